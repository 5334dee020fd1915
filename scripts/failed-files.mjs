/** A reporter for Node's test runner: writes the names of the test files that have failed, one a line. */
export default async function* failedFiles(events) {
  const failed = new Set();
  for await (const { type, data } of events)
    if (type === 'test:fail' && data.file && !failed.has(data.file)) {
      failed.add(data.file);
      yield `${data.file}\n`;
    }
}
