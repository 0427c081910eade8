// Cognito, by Amplify's auth package. Loaded only when somebody signs in or up, or a token has to be renewed: it is a
// third of what the first visit may load. Nothing else imports Amplify.

import * as auth from "@aws-amplify/auth";
import { cognitoUserPoolsTokenProvider } from "@aws-amplify/auth/cognito";
import { Amplify, type ResourcesConfig } from "@aws-amplify/core";
import { config } from "../../config";
import { AccountError, type Step } from "./errors";

export type Tokens = { idToken: string; expiresAt: number; userId: string; email: string };

let ready: Promise<void> | undefined;
/** Of somebody who has yet to confirm their address. Lives as long as the page, unlike what is in its history. */
let typed: { email: string; password: string } | undefined;
/** What is left of a signing out. It forgets all tokens in the end, also of whoever signed in before that. */
let leaving: Promise<void> = Promise.resolve();

async function configure(): Promise<void> {
  const { userPoolId, clientId, cognitoEndpoint, cognitoDomain, googleSignIn } = await config();
  const oauth = {
    domain: cognitoDomain ?? "",
    scopes: ["openid", "email"],
    redirectSignIn: [`${location.origin}/auth/callback`],
    redirectSignOut: [`${location.origin}/`],
    responseType: "code" as const,
  };
  const resources: ResourcesConfig = {
    Auth: {
      Cognito: {
        userPoolId,
        userPoolClientId: clientId,
        ...(cognitoEndpoint && { userPoolEndpoint: new URL(cognitoEndpoint, location.origin).href }),
        ...(googleSignIn && cognitoDomain && { loginWith: { oauth } }),
      },
    },
  };
  // Without the whole `aws-amplify` package nobody else tells its parts of each other.
  if (resources.Auth) cognitoUserPoolsTokenProvider.setAuthConfig(resources.Auth);
  Amplify.configure(resources, { Auth: { tokenProvider: cognitoUserPoolsTokenProvider } });
}

async function call<T>(work: () => Promise<T>): Promise<T> {
  try {
    ready ??= configure().catch((error) => {
      ready = undefined;
      throw error;
    });
    await ready;
    return await work();
  } catch (error) {
    throw AccountError.from(error);
  }
}

export const signUp = (email: string, password: string) =>
  call(async (): Promise<Step> => {
    const { isSignUpComplete } = await auth.signUp({
      username: email,
      password,
      options: { userAttributes: { email } },
    });
    typed = { email, password };
    return isSignUpComplete ? "done" : "confirm";
  });

export const confirm = (email: string, code: string) =>
  call(async () => {
    try {
      await auth.confirmSignUp({ username: email, confirmationCode: code });
    } catch (error) {
      // The address is confirmed already: the answer to an earlier try was lost.
      if (!(error instanceof Error && error.name === "NotAuthorizedException")) throw error;
    }
  });

/** With the password that was typed before the address was confirmed. */
export async function signInAsTyped(email: string): Promise<boolean> {
  if (typed?.email !== email) return false;
  const { password } = typed;
  typed = undefined;
  return (await signIn(email, password)) === "done";
}

export const resend = (email: string) => call(() => auth.resendSignUpCode({ username: email }));

export const signIn = (email: string, password: string) =>
  call(async (): Promise<Step> => {
    await forget();
    const { nextStep } = await auth.signIn({ username: email, password });
    switch (nextStep.signInStep) {
      case "DONE":
        return "done";
      case "CONFIRM_SIGN_UP":
        typed = { email, password };
        return "confirm";
      case "RESET_PASSWORD":
        return "reset";
      default:
        throw new AccountError("unknown");
    }
  });

export const forgot = (email: string) => call(() => auth.resetPassword({ username: email }));

export const reset = (email: string, code: string, password: string) =>
  call(() => auth.confirmResetPassword({ username: email, confirmationCode: code, newPassword: password }));

export const signInWithGoogle = () =>
  call(async () => {
    await forget();
    await auth.signInWithRedirect({ provider: "Google" });
  });

/**
 * What an earlier visit left behind would be refused as "already signed in". Not `signOut`: of somebody who came by Google
 * it leaves the page for Cognito's.
 */
async function forget(): Promise<void> {
  await leaving;
  await cognitoUserPoolsTokenProvider.tokenOrchestrator.clearTokens();
}

/** Ends it here; the tokens elsewhere live on. */
export function signOut(): Promise<void> {
  leaving = call(() => auth.signOut()).catch(() => undefined);
  return leaving;
}

export const tokens = (renew: boolean) =>
  call(async (): Promise<Tokens> => {
    const { tokens } = await auth.fetchAuthSession({ forceRefresh: renew });
    const id = tokens?.idToken;
    const { sub, email, exp } = id?.payload ?? {};
    if (!id || !sub || !exp) throw new AccountError("ended");
    return { idToken: id.toString(), expiresAt: exp * 1000, userId: sub, email: String(email ?? "") };
  });
