// What the page is told at run time: `/config.json`, beside `index.html`. In AWS it is a file in the bucket, at home the
// front door makes it. Knows no default: a page without it cannot sign anybody in, and says so.

export type Config = {
  region: string;
  userPoolId: string;
  clientId: string;
  /** Where Cognito answers, if that is not AWS: an origin, or a path on ours. */
  cognitoEndpoint?: string;
  /** The host of Cognito's managed login, for Google. */
  cognitoDomain?: string;
  googleSignIn: boolean;
};

let loading: Promise<Config> | undefined;

async function load(): Promise<Config> {
  const answer = await fetch("/config.json");
  if (!answer.ok) throw new Error(`config.json: ${answer.status}`);
  return (await answer.json()) as Config;
}

/** Loaded once; a failure is not remembered. */
export function config(): Promise<Config> {
  loading ??= load().catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}
