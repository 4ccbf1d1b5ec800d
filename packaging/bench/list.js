// Pages of customers under load, against a control plane of one's own, with a key that may `customer.read`:
//   k6 run -e ATALAYA_URL=https://isp.example -e ATALAYA_KEY=… packaging/bench/list.js
// The limit of requests a minute of key and tenant holds here too: give it a tenant plan without one.
import http from "k6/http";
import { check } from "k6";

export const options = {
  vus: 32,
  duration: "30s",
  thresholds: { http_req_failed: ["rate<0.001"] },
};

const base = `${__ENV.ATALAYA_URL}/api/v1`;
const params = { headers: { Authorization: `Bearer ${__ENV.ATALAYA_KEY}` } };

let next = "/customers?limit=50";

export default function () {
  const answer = http.get(`${base}${next}`, params);
  check(answer, { "a page": (response) => response.status === 200 });
  const cursor = answer.status === 200 ? answer.json("next_cursor") : null;
  next = cursor ? `/customers?limit=50&cursor=${encodeURIComponent(cursor)}` : "/customers?limit=50";
}
