// Which page is where. Every page but the first is loaded when it is wanted.

import { useEffect } from "react";
import { Navigate, Outlet, Route, Routes, useLocation } from "react-router";
import { forgetWayOut, hasEnded, useSession, useTurn, wayOut } from "./features/account/session";
import { Layout } from "./ui/Layout";
import { later } from "./ui/later";
import { NotFound } from "./ui/NotFound";

const LandingPage = later(() => import("./features/landing/LandingPage"));
const SignInPage = later(() => import("./features/account/SignInPage"));
const SignUpPage = later(() => import("./features/account/SignUpPage"));
const ConfirmPage = later(() => import("./features/account/ConfirmPage"));
const ForgotPasswordPage = later(() => import("./features/account/ForgotPasswordPage"));
const CallbackPage = later(() => import("./features/account/CallbackPage"));
const NewBatchPage = later(() => import("./features/draft/NewBatchPage"));
const BatchPage = later(() => import("./features/batch/BatchPage"));
const HistoryPage = later(() => import("./features/history/HistoryPage"));
const CreditsPage = later(() => import("./features/credits/CreditsPage"));
const SettingsPage = later(() => import("./features/settings/SettingsPage"));

/** Pages for which one has to be signed in; afterwards one is back where one wanted to go. */
function SignedIn() {
  const session = useSession();
  const { pathname, search } = useLocation();
  const wanted = { to: "/sign-in", state: { to: pathname + search, ended: hasEnded() } };
  return session ? <Outlet /> : <Navigate replace {...(wayOut(pathname) ?? wanted)} />;
}

function SignedOut() {
  const session = useSession();
  useEffect(forgetWayOut, []);
  const to = (useLocation().state as { to?: string } | null)?.to;
  return session ? <Navigate to={to ?? "/new"} replace /> : <Outlet />;
}

export function App() {
  // For another person every page begins anew.
  const turn = useTurn();
  return (
    <Routes key={turn}>
      <Route element={<Layout />}>
        <Route element={<SignedOut />}>
          <Route index element={<LandingPage />} />
          <Route path="sign-in" element={<SignInPage />} />
          <Route path="sign-up" element={<SignUpPage />} />
          <Route path="confirm" element={<ConfirmPage />} />
          <Route path="forgot-password" element={<ForgotPasswordPage />} />
        </Route>
        <Route path="auth/callback" element={<CallbackPage />} />
        <Route element={<SignedIn />}>
          <Route path="new" element={<NewBatchPage />} />
          <Route path="batches" element={<HistoryPage />} />
          <Route path="batches/:id" element={<BatchPage />} />
          <Route path="credits" element={<CreditsPage />} />
          <Route path="settings" element={<SettingsPage />} />
        </Route>
        <Route path="*" element={<NotFound />} />
      </Route>
    </Routes>
  );
}
