// Goes from a clean clone to the page: installs what is missing, builds the wasm modules and serves the page.
// usage: npm start -- [--port 8080] [--host localhost] [--no-isolation]
import { wasm } from './build.mjs';
import { serve, serverOptions } from './serve.mjs';

try {
  const options = serverOptions(process.argv.slice(2));
  const begin = Date.now();
  wasm();
  const { url } = await serve(options);
  console.log(`\nready after ${((Date.now() - begin) / 1000).toFixed(0)} s: open ${url}`);
} catch (error) {
  console.error(
    `start: ${error.code === 'EADDRINUSE' ? 'the port is taken; choose another with --port' : error.message}`,
  );
  process.exit(1);
}
