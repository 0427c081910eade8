// Polar's official client against the stand-in: is it honest?
//
//     node polar_sdk.mjs path/to/stand-ins
//
// The client parses each answer strictly, as its authors know the real API, and checks signatures as they do. It starts
// a stand-in of its own, because it is the one that the webhooks have to reach. Knows the client, and nothing of this
// project.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { after, before, mock, suite, test } from "node:test";

import { Polar } from "@polar-sh/sdk";
import { HTTPValidationError } from "@polar-sh/sdk/models/errors/httpvalidationerror.js";
import { validateEvent, WebhookVerificationError } from "@polar-sh/sdk/webhooks.js";
import { Webhook } from "standardwebhooks";

const STAND_INS = process.argv[2];
const TOKEN = "polar_oat_sdk";
const PRODUCT = "00000000-0000-4000-8000-000000000050";
const PACKS = [{ productId: PRODUCT, name: "50 credits", credits: 50, price: 500, currency: "usd" }];

/** A stand-in that signs with this secret, a client of it, and what it delivers. */
async function start(secret) {
  const deliveries = [];
  const seller = createServer(async (request, response) => {
    const chunks = await request.toArray();
    deliveries.push({ headers: request.headers, body: Buffer.concat(chunks) });
    seller.emit("delivery");
    response.writeHead(202).end();
  });
  seller.listen(0, "127.0.0.1");
  await once(seller, "listening");
  const url = `http://127.0.0.1:${seller.address().port}/`;
  const flags = ["--polar-port", "0", "--packs", JSON.stringify(PACKS), "--polar-webhook-url", url];
  const env = { ...process.env, POLAR_ACCESS_TOKEN: TOKEN, POLAR_WEBHOOK_SECRET: secret };
  const process_ = spawn(STAND_INS, flags, { env, stdio: ["ignore", "pipe", "ignore"] });
  const [line] = await once(createInterface(process_.stdout), "line");
  const base = line.replace("polar ", "");
  return {
    base,
    client: new Polar({ accessToken: TOKEN, serverURL: base }),
    /** The deliveries of this many events, as soon as they are there. */
    async delivered(count) {
      while (deliveries.length < count) await once(seller, "delivery", { signal: AbortSignal.timeout(20_000) });
      return deliveries;
    },
    async stop() {
      process_.kill();
      await once(process_, "exit");
      seller.close();
    },
  };
}

async function post(url, body = {}) {
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
}

function checkoutOf(polar) {
  return polar.client.checkouts.create({
    products: [PRODUCT],
    externalCustomerId: "user-1",
    customerEmail: "anna@example.com",
    metadata: { user_id: "user-1" },
    successUrl: "http://127.0.0.1:8080/credits?checkout_id={CHECKOUT_ID}",
  });
}

test("the vector of the facts", () => {
  const headers = {
    "webhook-id": "4b1e0d5e-0000-4000-8000-000000000001",
    "webhook-timestamp": "1790000000",
    "webhook-signature": "v1,Z25yfPOrlGuS8Jl4tP+H+Ag7f3xhNCM8i+SiEmG6s4s=",
  };
  const body = '{"type":"order.paid","timestamp":"2026-09-21T00:00:00Z","data":{"id":"ord_1"}}';
  mock.timers.enable({ apis: ["Date"], now: 1790000000_000 });
  try {
    // It is believed, and only then found to be no whole order.
    assert.throws(() => validateEvent(body, headers, "whsec_test_secret"), { name: "SDKValidationError" });
    assert.throws(() => validateEvent(body, headers, "test_secret"), WebhookVerificationError);
    const changed = body.replace("ord_1", "ord_2");
    assert.throws(() => validateEvent(changed, headers, "whsec_test_secret"), WebhookVerificationError);
  } finally {
    mock.timers.reset();
  }
});

suite("a purchase", () => {
  const secret = "polar_whs_of_the_sdk_test";
  let polar;
  before(async () => {
    polar = await start(secret);
  });
  after(() => polar.stop());

  test("from the checkout to the refund", async () => {
    const checkout = await checkoutOf(polar);
    assert.equal(checkout.status, "open");
    assert.ok(checkout.expiresAt > new Date());
    assert.ok(checkout.successUrl.endsWith(`checkout_id=${checkout.id}`));
    await post(`${polar.base}/_control/checkouts/${checkout.id}/pay`, { discount: 50 });
    assert.equal((await polar.client.checkouts.get({ id: checkout.id })).status, "succeeded");

    const orders = [];
    for await (const page of await polar.client.orders.list({ externalCustomerId: "user-1", limit: 1 })) {
      orders.push(...page.result.items);
    }
    assert.equal(orders.length, 1);
    const [order] = orders;
    assert.equal(order.status, "paid");
    assert.equal(order.billingReason, "purchase");
    assert.deepEqual(order.metadata, { user_id: "user-1" });
    assert.equal(order.customer.externalId, "user-1");
    assert.deepEqual([order.subtotalAmount, order.netAmount, order.taxAmount, order.totalAmount], [500, 250, 25, 275]);
    assert.equal(order.discount.basisPoints, 5000);

    const session = await polar.client.customerSessions.create({ externalCustomerId: "user-1" });
    assert.equal((await fetch(session.customerPortalUrl)).status, 200);

    const refund = await polar.client.refunds.create({ orderId: order.id, reason: "customer_request", amount: 250 });
    assert.equal(refund.status, "succeeded");
    assert.equal((await polar.client.orders.get({ id: order.id })).status, "refunded");

    const events = (await polar.delivered(3)).map(({ headers, body }) => validateEvent(body, headers, secret));
    assert.deepEqual(events.map((event) => event.type).sort(), ["order.created", "order.paid", "order.refunded"]);
    assert.ok(events.every((event) => event.data.id === order.id));
  });

  test("what is refused, the client understands", async () => {
    const unknown = { products: ["00000000-0000-4000-8000-000000000051"] };
    await assert.rejects(polar.client.checkouts.create(unknown), (error) => {
      assert.ok(error instanceof HTTPValidationError, error);
      assert.deepEqual(error.detail[0].loc, ["body", "products"]);
      return true;
    });
    const stranger = new Polar({ accessToken: "polar_oat_stranger", serverURL: polar.base });
    await assert.rejects(stranger.orders.list({}), (error) => error.statusCode === 401);
    const nobody = { externalCustomerId: "nobody" };
    await assert.rejects(polar.client.customerSessions.create(nobody), HTTPValidationError);
  });
});

test("a secret that Polar has made since September 2026 is one of Standard Webhooks", async () => {
  const key = createHmac("sha256", "sdk test").digest();
  const secret = `whsec_${key.toString("base64")}`;
  const polar = await start(secret);
  try {
    const checkout = await checkoutOf(polar);
    await post(`${polar.base}/_control/checkouts/${checkout.id}/pay`);
    for (const { headers, body } of await polar.delivered(2)) {
      assert.match(new Webhook(secret).verify(body.toString(), headers).type, /^order\./);
    }
  } finally {
    await polar.stop();
  }
});
