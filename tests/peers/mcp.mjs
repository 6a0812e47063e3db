// Drives `aileron mcp` with the client of an agent's host (npm @modelcontextprotocol/sdk), and prints what it saw.
//
// usage: node mcp.mjs SDK-DIRECTORY PROGRAM
import path from "node:path";
import { pathToFileURL } from "node:url";

const [sdk, program] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(path.join(sdk, "dist/esm", file)).href);
const { Client } = await load("client/index.js");
const { StdioClientTransport } = await load("client/stdio.js");
const { ElicitRequestSchema } = await load("types.js");

const transport = new StdioClientTransport({ command: program, args: ["mcp"], env: process.env, stderr: "inherit" });
const client = new Client({ name: "peer", version: "1" }, { capabilities: { elicitation: {} } });
const asked = [];
client.setRequestHandler(ElicitRequestSchema, async (request) => {
  asked.push(request.params.message);
  return { action: "accept", content: { approve: asked.length > 1 } };
});
const fault = async (call) => {
  try {
    return { result: await call() };
  } catch (error) {
    return { code: error.code, message: error.message };
  }
};

await client.connect(transport);
const pages = [];
let cursor;
do {
  const page = await client.listTools(cursor ? { cursor } : {});
  pages.push(page.tools);
  cursor = page.nextCursor;
} while (cursor);
const seen = {
  server: client.getServerVersion(),
  capabilities: client.getServerCapabilities(),
  pages: pages.map((tools) => tools.length),
  tool: pages.flat().find((tool) => tool.name === "tea_about"),
  called: await client.callTool({ name: "tea_ping", arguments: {} }),
  wrong: await client.callTool({ name: "tea_ping", arguments: { x: 1 } }),
  denied: await client.callTool({ name: "tea_about", arguments: { why: "for fun" } }),
  approved: await client.callTool({ name: "tea_about", arguments: { why: "for fun" } }),
  unknown: await fault(() => client.callTool({ name: "coffee", arguments: {} })),
  nothing: await fault(() => client.listPrompts()),
  asked,
};
await client.ping();
await client.close();
process.stdout.write(JSON.stringify(seen));
