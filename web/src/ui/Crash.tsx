import { Component, type ReactNode } from "react";
import { common } from "../texts/common";
import { Button } from "./Button";

/** What is shown when a page breaks, also when a new version has replaced the part that was to be loaded. */
export class Crash extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };
  static getDerivedStateFromError() {
    return { broken: true };
  }
  override render() {
    if (!this.state.broken) return this.props.children;
    return (
      <main className="mx-auto max-w-md space-y-4 px-4 py-24 text-center">
        <h1 className="text-3xl font-semibold">{common.crash.title}</h1>
        <p className="text-ink-2">{common.crash.text}</p>
        <Button look="primary" onClick={() => location.reload()}>
          {common.crash.reload}
        </Button>
      </main>
    );
  }
}
