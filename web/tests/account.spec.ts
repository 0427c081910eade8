// Signing in by Google, a session that ends, and the next person on the same device.

import type { Page, Request } from "@playwright/test";
import { account, CODE, chooses, expect, latch, newEmail, PASSWORD, somebody, start, test, wish } from "./page";
import { sample, stack } from "./stack";

const DOMAIN = `example.auth.${stack().region}.amazoncognito.com`;

/** As where the pool knows Google. */
async function offerGoogle(page: Page) {
  await page.route("**/config.json", async (route) => {
    const config = await (await route.fetch()).json();
    await route.fulfill({ json: { ...config, googleSignIn: true, cognitoDomain: DOMAIN } });
  });
}

test("Google signs people in, by code and with a challenge", async ({ page }) => {
  const { tokens } = await account();
  await offerGoogle(page);
  let asked = new URL("https://example.com");
  await page.route(`https://${DOMAIN}/oauth2/authorize**`, (route) => {
    asked = new URL(route.request().url());
    const back = new URL(asked.searchParams.get("redirect_uri") ?? "");
    back.search = new URLSearchParams({ code: "a-code", state: asked.searchParams.get("state") ?? "" }).toString();
    return route.fulfill({ status: 302, headers: { location: back.href } });
  });
  let exchanged = new URLSearchParams();
  await page.route(`https://${DOMAIN}/oauth2/token`, (route) => {
    exchanged = new URLSearchParams(route.request().postData() ?? "");
    return route.fulfill({
      headers: { "access-control-allow-origin": stack().url },
      json: {
        id_token: tokens.IdToken,
        access_token: tokens.AccessToken,
        refresh_token: tokens.RefreshToken,
        expires_in: tokens.ExpiresIn,
        token_type: "Bearer",
      },
    });
  });
  await page.goto("/sign-in");
  await page.getByRole("button", { name: "Continue with Google" }).click();
  await expect(page.getByRole("heading", { name: "New batch" })).toBeVisible();

  const query = asked.searchParams;
  expect(asked.host).toBe(DOMAIN);
  expect(query.get("identity_provider")).toBe("Google");
  expect(query.get("client_id")).toBe(stack().clientId);
  expect(query.get("redirect_uri")).toBe(`${stack().url}/auth/callback`);
  expect(query.get("response_type")).toBe("code");
  expect(query.get("scope")).toBe("openid email");
  expect(query.get("code_challenge_method")).toBe("S256");
  expect(query.get("code_challenge")).toMatch(/^[\w-]{43}$/);
  expect(exchanged.get("code")).toBe("a-code");
  expect(exchanged.get("code_verifier")).toBeTruthy();
});

test("there is no Google button where the pool does not know Google", async ({ page }) => {
  const told = page.waitForResponse("**/config.json");
  await page.goto("/sign-in");
  await told;
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Continue with Google" })).toHaveCount(0);
});

test("after a visit by Google, a password signs in without leaving the page", async ({ page }) => {
  const { email, tokens } = await account();
  await offerGoogle(page);
  await page.addInitScript(
    ([client, access, id]) => {
      const name = (of: string) => `CognitoIdentityServiceProvider.${client}.${of}`;
      if (localStorage.getItem("bie.test")) return;
      localStorage.setItem("bie.test", "1");
      localStorage.setItem(name("oauthSignIn"), "true,false");
      localStorage.setItem(name("LastAuthUser"), "google_1");
      localStorage.setItem(name("google_1.accessToken"), access);
      localStorage.setItem(name("google_1.idToken"), id);
      localStorage.setItem(name("google_1.oauthMetadata"), JSON.stringify({ oauthSignIn: true }));
    },
    [stack().clientId, tokens.AccessToken, tokens.IdToken] as const,
  );
  let left = 0;
  await page.route(`https://${DOMAIN}/**`, (route) => {
    left += 1;
    return route.fulfill({ body: "Cognito's page" });
  });
  await page.goto("/sign-in");
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "New batch" })).toBeVisible();
  expect(left).toBe(0);
});

test("a session that ends says so, and goes on where it was", async ({ page }) => {
  const { email } = await somebody(page);
  await page.goto("/credits");
  await expect(page.getByRole("heading", { level: 1, name: "Credits" })).toBeVisible();
  // No refresh token is here, so an old token cannot be renewed.
  await page.evaluate(() => {
    const session = JSON.parse(localStorage.getItem("bie.session") ?? "{}");
    localStorage.setItem("bie.session", JSON.stringify({ ...session, expiresAt: 0 }));
  });
  await page.reload();
  await expect(page.getByText("Your session has ended. Sign in to go on")).toBeVisible();
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Credits" })).toBeVisible();
});

test("the next person sees nothing of the one before, also when they change in another tab", async ({
  page,
  context,
}) => {
  await somebody(page);
  await page.goto("/new");
  await chooses(page, [sample("chelsea.png")]);
  await wish(page).fill("make it sepia");
  await start(page, 1).click();
  await expect(page.getByText("1 of 1 done")).toBeVisible();
  await page.getByRole("link", { name: "History" }).first().click();
  await expect(page.getByRole("link", { name: /make it sepia/ })).toBeVisible();
  await expect(page.getByRole("link", { name: "9 credits left" })).toBeVisible();

  const { session } = await account();
  const other = await context.newPage();
  await other.goto("/favicon.svg");
  await other.evaluate((session) => localStorage.setItem("bie.session", JSON.stringify(session)), session);
  await expect(page.getByText("Nothing here yet")).toBeVisible();
  await expect(page.getByRole("link", { name: /make it sepia/ })).toHaveCount(0);
  await expect(page.getByRole("link", { name: "10 credits left" })).toBeVisible();
});

test("signing out without a network leaves nothing that signs in", async ({ page, context }) => {
  await somebody(page);
  await page.goto("/settings");
  const kept = "CognitoIdentityServiceProvider.client.somebody.refreshToken";
  await page.evaluate((kept) => localStorage.setItem(kept, "token"), kept);
  const signOut = page.getByRole("button", { name: "Sign out" });
  await expect(signOut).toBeVisible();
  await context.setOffline(true);
  await signOut.click();
  await expect(page).toHaveURL(/\/$/);
  const names = () => page.evaluate(() => Object.keys(localStorage));
  expect(await names()).not.toContain("bie.session");
  await expect.poll(names).not.toContain(kept);
});

test("whoever signs out is out at once, and whoever comes next is not signed out with them", async ({
  page,
  browser,
}) => {
  const { email } = await account();
  const signIn = async (page: Page) => {
    await page.getByLabel("E-mail address").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
  };
  await page.goto("/sign-in");
  await signIn(page);
  await page.getByRole("link", { name: "Settings" }).first().click();
  const [revocation, landing] = [latch(), latch()];
  const isRevoking = (request: Request) => request.headers()["x-amz-target"]?.endsWith("RevokeToken") ?? false;
  await page.route(`${stack().awsEndpoint}/**`, async (route) => {
    if (isRevoking(route.request())) await revocation.opened;
    await route.continue();
  });
  await page.route("**/LandingPage-*.js", async (route) => {
    await landing.opened;
    await route.continue();
  });
  const revoking = page.waitForRequest(isRevoking);
  const leaving = page.waitForRequest("**/LandingPage-*.js");
  await page.getByRole("button", { name: "Sign out" }).click();
  await revoking;
  await leaving;
  await expect(page).toHaveURL(/\/$/);
  // Back is as for anybody else who has to sign in first, also before the page that is left for has come.
  await page.goBack();
  await expect(page.getByRole("heading", { name: "Welcome back" })).toBeVisible();
  landing.open();
  await page.getByRole("link", { name: "Batch Image Edit" }).click();
  await page.getByRole("link", { name: "Sign in" }).click();
  await signIn(page);
  // Until somebody who began later is in, this one waits.
  const elsewhere = await browser.newPage();
  await elsewhere.goto("/sign-in");
  await signIn(elsewhere);
  await expect(elsewhere.getByRole("heading", { name: "New batch" })).toBeVisible();
  await elsewhere.close();
  await expect(page.getByRole("heading", { name: "Welcome back" })).toBeVisible();
  revocation.open();
  await expect(page.getByRole("heading", { name: "New batch" })).toBeVisible();
  const names = await page.evaluate(() => Object.keys(localStorage));
  expect(names.filter((name) => name.endsWith(".refreshToken"))).toHaveLength(1);
});

test("a confirmed address whose sign-in fails is no dead end, and no password is in the history", async ({ page }) => {
  const email = newEmail();
  await page.goto("/sign-up");
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByLabel("Code from the e-mail").fill(CODE);
  expect(await page.evaluate(() => JSON.stringify(history.state))).not.toContain(PASSWORD);
  await page.route(`${stack().awsEndpoint}/**`, (route) => {
    const target = route.request().headers()["x-amz-target"] ?? "";
    return target.endsWith("InitiateAuth") ? route.abort("connectionreset") : route.continue();
  });
  await page.getByRole("button", { name: "Confirm" }).click();
  await expect(page.getByText("Confirmed. Sign in to start.")).toBeVisible();
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "New batch" })).toBeVisible();
});
