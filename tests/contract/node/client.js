// Calls a tool from Node with the .proto files alone, and prints each event as one line of JSON.
//
//     node client.js PROTO_FOLDER HOST:PORT TOOL ARGUMENTS_JSON
//
// A refused call is printed as {"refused": CODE, "details": TEXT}; its exit code is 4.

"use strict";

const grpc = require("@grpc/grpc-js");
const { loadSync } = require("@grpc/proto-loader");

const [protos, target, tool, argumentsJson] = process.argv.slice(2);
const definition = loadSync("toolcell/v1/execution.proto", {
  includeDirs: [protos],
  keepCase: true, // field names as the contract spells them
  oneofs: true, // adds `event`, the name of the kind that is set
  enums: String,
  longs: String,
});
const { ToolExecutionService } = grpc.loadPackageDefinition(definition).toolcell.v1;
const client = new ToolExecutionService(target, grpc.credentials.createInsecure());

function show(event) {
  const line = { sequence: Number(event.sequence), event: event.event };
  if (event.event === "output") {
    line.text = event.output.data.toString("utf8");
  }
  if (event.event === "finished") {
    line.outcome = event.finished.outcome.kind;
    line.result = event.finished.result_json.toString("utf8");
    line.isolation = event.finished.isolation?.level;
  }
  console.log(JSON.stringify(line));
}

const deadline = new Date(Date.now() + 20_000);
const stream = client.Execute(
  { tool, arguments_json: Buffer.from(argumentsJson) },
  { deadline },
);
stream.on("data", show);
stream.on("error", (error) => {
  console.log(JSON.stringify({ refused: grpc.status[error.code], details: error.details }));
  process.exitCode = 4;
  client.close();
});
stream.on("end", () => client.close());
