// Ends the process with one sentence when Node is too old. In plain old syntax, so that old Nodes can say it.
var floor = [20, 19];
var parts = process.versions.node.split(".").map(Number);
if (parts[0] < floor[0] || (parts[0] === floor[0] && parts[1] < floor[1])) {
  console.error(
    "sluice needs Node " +
      floor.join(".") +
      " or newer, and this is " +
      process.versions.node +
      ": see https://nodejs.org/en/download.",
  );
  process.exit(1);
}
