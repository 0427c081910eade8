// Parts of the page that are loaded when they are wanted. One that does not come says so in its place, comes when there is
// a network again, and can be asked for.

import { Component, type ComponentType, lazy } from "react";
import { common as t } from "../texts/common";
import { Button } from "./Button";

type Load<Props> = () => Promise<{ default: ComponentType<Props> }>;

class NotLoaded extends Error {}

const fetched = <Props,>(load: Load<Props>) =>
  lazy(() =>
    load().catch(() => {
      throw new NotLoaded();
    }),
  );

export function later<Props extends object>(load: Load<Props>): ComponentType<Props> {
  let Part = fetched(load);
  // React remembers a failure: asking again takes another one.
  const again = () => {
    Part = fetched(load);
  };
  return (props: Props) => <Place again={again} part={() => <Part {...props} />} />;
}

type PlaceProps = { part: () => React.ReactNode; again: () => void };

class Place extends Component<PlaceProps, { error: unknown }> {
  override state = { error: undefined };
  static getDerivedStateFromError(error: unknown) {
    return { error };
  }
  #retry = () => {
    if (!this.state.error) return;
    this.props.again();
    this.setState({ error: undefined });
  };
  override componentDidMount() {
    addEventListener("online", this.#retry);
  }
  override componentWillUnmount() {
    removeEventListener("online", this.#retry);
    // Whoever comes back asks anew.
    if (this.state.error) this.props.again();
  }
  override render() {
    const error: unknown = this.state.error;
    if (!error) return this.props.part();
    if (!(error instanceof NotLoaded)) throw error;
    const { onLine } = navigator;
    // With a network it is most likely a part that a new version has replaced: then the whole page is asked for.
    return (
      <div role="alert" className="space-y-3 rounded-2xl bg-bad-soft p-4">
        <p className="font-semibold text-bad">{t.notLoaded.title}</p>
        <p>{onLine ? t.notLoaded.replaced : t.notLoaded.offline}</p>
        <Button size="s" onClick={() => (navigator.onLine ? location.reload() : this.#retry())}>
          {onLine ? t.crash.reload : t.tryAgain}
        </Button>
      </div>
    );
  }
}
