import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { Problem } from "./api/problem";
import { App } from "./app";
import "./app.css";
import { whenPersonLeaves } from "./features/account/session";
import { Crash } from "./ui/Crash";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (count, error) => count < 2 && Problem.from(error).isUncertain,
    },
  },
});

whenPersonLeaves(() => client.clear());

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Crash>
        <QueryClientProvider client={client}>
          <BrowserRouter>
            <App />
          </BrowserRouter>
        </QueryClientProvider>
      </Crash>
    </StrictMode>,
  );
}
