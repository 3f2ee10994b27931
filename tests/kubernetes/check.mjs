// Reads a JSON list of Kubernetes objects from stdin, and prints a line for each fault by the schemas of Kubernetes
// and of the Prometheus Operator. They allow members that they do not know, which Kubernetes drops; so a member that
// the validator never looks at is a fault, too.
import {readFileSync} from "node:fs";

const SCHEMAS = {
  "v1": "kubernetes-models/_schemas/IoK8sApiCoreV1",
  "apps/v1": "kubernetes-models/_schemas/IoK8sApiAppsV1",
  "autoscaling/v2": "kubernetes-models/_schemas/IoK8sApiAutoscalingV2",
  "networking.k8s.io/v1": "kubernetes-models/_schemas/IoK8sApiNetworkingV1",
  "policy/v1": "kubernetes-models/_schemas/IoK8sApiPolicyV1",
  "monitoring.coreos.com/v1": "@kubernetes-models/prometheus-operator/_schemas/MonitoringCoreosComV1",
};

// A copy of `value` that takes the path of each member out of `unread` when it is looked at.
function watched(value, at, unread) {
  if (typeof value !== "object" || value === null) return value;
  const copy = Array.isArray(value) ? [] : {};
  for (const [key, member] of Object.entries(value)) {
    const path = `${at}/${key}`;
    const inner = watched(member, path, unread);
    unread.add(path);
    Object.defineProperty(copy, key, {
      enumerable: true,
      get() {
        unread.delete(path);
        return inner;
      },
    });
  }
  return copy;
}

for (const object of JSON.parse(readFileSync(0, "utf8"))) {
  const name = `${object.apiVersion} ${object.kind} ${object.metadata?.name}`;
  const schema = SCHEMAS[object.apiVersion];
  if (!schema) {
    console.log(`${name}: no schema for this apiVersion`);
    continue;
  }
  const {validate} = await import(new URL(`node_modules/${schema}${object.kind}.mjs`, import.meta.url));
  const unread = new Set();
  validate(watched(object, "", unread));
  for (const {instancePath, keyword, params} of validate.errors ?? []) {
    console.log(`${name}: ${instancePath}: ${keyword} ${JSON.stringify(params)}`);
  }
  for (const path of unread) console.log(`${name}: ${path}: unknown`);
}
