// Builds the site (dist/site) and serves it like a static host.
// usage: npm run preview -- [--port 8080] [--host localhost] [--no-isolation]
import path from 'node:path';
import { ROOT, pack, wasm } from './build.mjs';
import { serve, serverOptions } from './serve.mjs';

try {
  const options = serverOptions(process.argv.slice(2));
  wasm();
  await pack();
  const { url } = await serve({ ...options, root: path.join(ROOT, 'dist/site') });
  console.log(`\nopen ${url}`);
} catch (error) {
  console.error(
    `preview: ${error.code === 'EADDRINUSE' ? 'the port is taken; choose another with --port' : error.message}`,
  );
  process.exit(1);
}
