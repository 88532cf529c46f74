/** prom-client has no types for the single default metrics. */
declare module "prom-client/lib/metrics/*" {
  import type { Registry } from "prom-client";

  /** Adds the metric to the registry. */
  const add: (registry: Registry) => void;
  export default add;
}
