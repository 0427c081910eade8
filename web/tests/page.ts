// What all tests share: a page on which a violation of the Content-Security-Policy or a thrown error fails the test, and
// somebody who is signed in.

import { randomUUID } from "node:crypto";
import AxeBuilder from "@axe-core/playwright";
import { test as base, expect, type Page } from "@playwright/test";
import type { components } from "../src/api/schema";
import { sample, stack } from "./stack";

export { expect } from "@playwright/test";

type Status = components["schemas"]["BatchStatus"];

export const PASSWORD = "ten characters or more";
/** At home the code in the e-mail is always this one. */
export const CODE = "123456";
/** And the one to choose a new password with. */
export const RESET_CODE = "654321";
export const PHONE = { width: 390, height: 844 };
export const newEmail = () => `web-${randomUUID()}@example.com`;

export const test = base.extend<{ complaints: string[] }>({
  complaints: [
    async ({ page }, use) => {
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(`thrown: ${error.message}`));
      page.on("console", (message) => {
        if (/content.security.policy/i.test(message.text())) complaints.push(message.text());
      });
      await page.addInitScript(() => {
        // A save dialog has nobody to answer it here: downloads go the other way.
        delete (window as { showSaveFilePicker?: unknown }).showSaveFilePicker;
        document.addEventListener("securitypolicyviolation", (event) => {
          // This is how the test hears of it.
          console.error(`Content-Security-Policy: ${event.violatedDirective} ${event.blockedURI}`);
        });
      });
      await use(complaints);
      // What is still on its way has nobody to go to when the page is closed.
      await page.unrouteAll({ behavior: "ignoreErrors" });
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
});

type Answer = {
  AuthenticationResult?: { IdToken: string; AccessToken: string; RefreshToken: string; ExpiresIn: number };
};

async function cognito(operation: string, body: object): Promise<Answer> {
  const answer = await fetch(stack().awsEndpoint, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `AWSCognitoIdentityProviderService.${operation}`,
    },
    body: JSON.stringify({ ClientId: stack().clientId, ...body }),
  });
  if (!answer.ok) throw new Error(`${operation}: ${await answer.text()}`);
  return (await answer.json()) as Answer;
}

const signIn = (email: string) =>
  cognito("InitiateAuth", { AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: { USERNAME: email, PASSWORD } });

/** Whether Cognito knows nobody by this address and password. */
export const isForgotten = (email: string) =>
  signIn(email).then(
    () => false,
    (error: Error) => /NotAuthorizedException|UserNotFoundException/.test(error.message) || Promise.reject(error),
  );

/** Somebody new with an account, and what Cognito answers when they sign in. */
export async function account() {
  const email = newEmail();
  await cognito("SignUp", { Username: email, Password: PASSWORD, UserAttributes: [{ Name: "email", Value: email }] });
  await cognito("ConfirmSignUp", { Username: email, ConfirmationCode: CODE });
  const { AuthenticationResult: tokens } = await signIn(email);
  if (!tokens) throw new Error("no tokens");
  const claims = JSON.parse(Buffer.from(tokens.IdToken.split(".")[1] ?? "", "base64url").toString());
  const session = { idToken: tokens.IdToken, expiresAt: claims.exp * 1000, userId: claims.sub, email };
  return { email, tokens, session };
}

/** Somebody new, signed in without the forms; `account.spec.ts` is for the tests of those. */
export async function somebody(page: Page): Promise<{ email: string; token: string }> {
  const { email, tokens, session } = await account();
  await page.addInitScript((session) => {
    if (!localStorage.getItem("bie.test")) {
      localStorage.setItem("bie.test", "1");
      localStorage.setItem("bie.session", JSON.stringify(session));
    }
  }, session);
  return { email, token: tokens.IdToken };
}

export async function api<T>(token: string, path: string): Promise<T> {
  const answer = await fetch(`${stack().url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return (await answer.json()) as T;
}

export async function chooses(page: Page, files: Parameters<ReturnType<Page["getByTestId"]>["setInputFiles"]>[0]) {
  await page.getByTestId("files").setInputFiles(files);
}

/** What is held until a test lets it go. */
export function latch() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

export const wish = (page: Page) => page.getByRole("textbox", { name: "Your wish for all of them" });
export const start = (page: Page, count: number) =>
  page.getByRole("button", { name: `Edit ${count} photo${count === 1 ? "" : "s"}` });

/** A batch of these samples, when all of it is done. */
export async function finished(page: Page, names = ["chelsea.png"]) {
  await page.goto("/new");
  await chooses(page, names.map(sample));
  await wish(page).fill("make it sepia");
  await start(page, names.length).click();
  await expect(page.getByText(`${names.length} of ${names.length} done`)).toBeVisible();
}

/** Every answer about a batch is changed on its way. */
export async function changeStatus(page: Page, change: (status: Status) => Status) {
  await page.route("**/api/batch/*/status", async (route) => {
    const answer = await route.fetch();
    if (answer.status() !== 200) return route.fulfill({ response: answer });
    return route.fulfill({ response: answer, json: change(await answer.json()) });
  });
}

/** No violation of WCAG 2.2 AA that a machine can find, in either theme, on a desktop and on a phone. */
export async function isAccessible(page: Page) {
  const desktop = page.viewportSize();
  for (const viewport of [PHONE, desktop]) {
    if (viewport) await page.setViewportSize(viewport);
    await isAccessibleAtThisSize(page);
  }
}

async function isAccessibleAtThisSize(page: Page) {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    // What fades between two colours has neither yet.
    await page.evaluate(async () => {
      await new Promise(requestAnimationFrame);
      await Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
    });
    const { violations } = await new AxeBuilder({ page })
      .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
      .analyze();
    const found = violations.map(
      ({ id, nodes }) =>
        `${colorScheme} ${page.viewportSize()?.width} ${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join("; ")}`,
    );
    expect(found).toEqual([]);
  }
}
