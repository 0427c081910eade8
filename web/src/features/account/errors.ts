// What sign-in refuses, as far as anybody can do something about it. Knows Cognito's names, not the words for people.

export type Step = "done" | "confirm" | "reset";

export type AccountErrorCode =
  | "taken"
  | "wrong"
  | "code"
  | "codeExpired"
  | "password"
  | "email"
  | "tooMany"
  | "offline"
  | "ended"
  | "config"
  | "unknown";

const NAMES: Record<string, AccountErrorCode> = {
  UsernameExistsException: "taken",
  AliasExistsException: "taken",
  NotAuthorizedException: "wrong",
  UserNotFoundException: "wrong",
  CodeMismatchException: "code",
  ExpiredCodeException: "codeExpired",
  InvalidPasswordException: "password",
  InvalidParameterException: "email",
  LimitExceededException: "tooMany",
  TooManyRequestsException: "tooMany",
  TooManyFailedAttemptsException: "tooMany",
  NetworkError: "offline",
  UserUnAuthenticatedException: "ended",
  TokenRevokedException: "ended",
};

export class AccountError extends Error {
  constructor(readonly code: AccountErrorCode) {
    super(code);
    this.name = "AccountError";
  }

  static from(error: unknown): AccountError {
    if (error instanceof AccountError) return error;
    if (!(error instanceof Error)) return new AccountError("unknown");
    if (error.message.startsWith("config.json")) return new AccountError("config");
    if (error instanceof TypeError) return new AccountError("offline");
    return new AccountError(NAMES[error.name] ?? "unknown");
  }
}
