/** Signing in with others, by OAuth2 and OpenID Connect. @module */
import {
  type Context,
  type Core,
  type Current,
  creating,
  defineModule,
  type Identity,
  type Intent,
  leave,
  leaveBrowser,
  type Module,
  minutes,
  type OAuth2ServerStorer,
  oauth2able,
  page,
  type Reply,
  redirect,
  refuse,
  type User,
} from "@castellan/core";
import { accountsOf } from "./accounts.ts";
import { arrivalsOf } from "./arrivals.ts";
import { type Connecting, connectingOf } from "./connecting.ts";
import { type Desk, deskOf, type Found } from "./desk.ts";
import { linkingOf } from "./linking.ts";
import { type ButtonsData, oauth2LoginView, oauth2StartView, providerButtons } from "./pages.ts";
import { failureOf, ProviderFailure, type ProviderTokens } from "./provider.ts";
import { callbackPath, type NamedProvider, type OAuth2Options, type OAuth2Settings, type Providers, settingsFrom } from "./settings.ts";
import { oauth2Reasons, oauth2Texts } from "./texts.ts";
import { tokensOf } from "./tokens.ts";

export { type FailedEvent, type IdentityEvent, linkIdentity, oauth2Failed, unlinkIdentity } from "./channels.ts";
export * from "./mails.ts";
export {
  type Claims,
  type ClientOptions,
  type OidcOptions,
  oauth2Provider,
  oidcProvider,
  type PlainOAuth2Options,
  profileOfClaims,
} from "./openid.ts";
export * from "./pages.ts";
export { type PassportDetails, type PassportSettings, passportProvider, profileOfPassport, type StrategyClass } from "./passport.ts";
export {
  type Arrival,
  type Departure,
  type FailureReason,
  type OpenProvider,
  type Profile,
  type Provider,
  ProviderFailure,
  type ProviderSetup,
  type ProviderTokens,
} from "./provider.ts";
export * from "./ready-made.ts";
export type { OAuth2Options, Providers } from "./settings.ts";

/** What an application can do without the routes. */
export interface OAuth2Api {
  /** The providers, in the order of the pages. */
  readonly providers: readonly { readonly name: string; readonly label: string }[];
  /** The identities of a user, the oldest first; without their tokens. */
  identities(pid: string): Promise<readonly Omit<Identity, "tokens">[]>;
  /**
   * What opens the provider's own doors in the person's name, refreshed if it is about to end. `null` where none is kept (see `keepTokens`), or where the person has to sign in there again. Of several
   * identities at one provider the oldest that has some counts. Throws {@link Unavailable} when the provider does not answer.
   */
  tokens(user: User, provider: string): Promise<ProviderTokens | null>;
  /** Forgets the tokens, and ends them at the provider where it can. Answers whether there were some. */
  revokeTokens(user: User, provider: string): Promise<boolean>;
}

/** The module: GET and POST `/oauth2/NAME` and GET `/oauth2/callback/NAME` for each provider, and `/oauth2`, where people see what they have connected. */
export function oauth2(providers: Providers, options: OAuth2Options = {}): Module<OAuth2ServerStorer, OAuth2Api> {
  return defineModule({
    name: "oauth2",
    requires: [oauth2able, creating],
    reasons: oauth2Reasons,
    texts: oauth2Texts,
    start: (core: Core<OAuth2ServerStorer>) => start(core, settingsFrom(core, providers, options)),
  });
}

/** What is kept while somebody is at a provider. */
interface Way {
  readonly intent: Intent;
  /** What the provider wants back. */
  readonly keep: string;
  /** Who wants to connect the account; `null` for a sign-in. */
  readonly began: { readonly pid: string; readonly epoch: number } | null;
}

const LONGEST_PARAMETER = 200;
const purposeOf = ({ name }: NamedProvider): string => `callback/${name}`;

function start(core: Core<OAuth2ServerStorer>, settings: OAuth2Settings): OAuth2Api {
  const desk = deskOf(core, settings);
  const { providers } = settings;
  const starts = core.limit("start", "network", 60, minutes(15));
  const linking = linkingOf(desk);
  const arrivals = arrivalsOf(desk, () => connecting);
  const connecting: Connecting = connectingOf(desk, arrivals, linking);

  /** To the provider: what is wanted afterwards stays here, and the browser takes along no more than the `state`. */
  const depart = async (ctx: Context, provider: NamedProvider, intent: Intent, began: Way["began"]): Promise<Reply> => {
    const admission = await core.use(starts, ctx.network);
    if (!admission.admitted) return refuse(429, "too_many_attempts", admission);
    const way = desk.flows.begin(ctx);
    const departure = await attempted(() => provider.begin(way.state));
    if (departure instanceof ProviderFailure) return desk.failed(ctx, provider, departure);
    await way.store(purposeOf(provider), { intent, began, keep: departure.keep } satisfies Way);
    return leave(departure.to, departure.endpoint, provider.label);
  };
  const connect = (ctx: Context, provider: NamedProvider, to: string, { user }: Current): Promise<Reply> =>
    depart(ctx, provider, { to, remember: false }, { pid: user.pid, epoch: user.epoch });
  const accounts = accountsOf(desk, linking, connect);

  const comeBack = async (ctx: Context, provider: NamedProvider): Promise<Reply> => {
    const state = ctx.query("state");
    const way = await desk.flows.take<Way>(ctx, purposeOf(provider), state);
    if (!way || state === null) return desk.failed(ctx, provider, "oauth2_flow_invalid");
    const found = await attempted(() => finish(desk, ctx, provider, state, way));
    if (found instanceof ProviderFailure) return desk.failed(ctx, provider, found);
    return way.began ? accounts.receive(ctx, found, way.began) : arrivals.receive(ctx, found);
  };

  // Which providers there are may come from the environment, and there may be none.
  if (providers.size === 0) core.logger.warn("oauth2 has no provider: nobody can sign in with others");
  const buttons = (): ButtonsData => ({
    providers: [...providers.values()].map(({ name, label }) => ({ name, label, path: `/oauth2/${name}` })),
    remember: core.isLoaded("remember"),
  });

  for (const provider of providers.values()) {
    const path = `/oauth2/${provider.name}`;
    // A link may lead here, but a page elsewhere must not send anybody on: so it asks first, and the answer is a form of ours.
    core.route("GET", path, (ctx) => {
      const data = { ...buttons(), providers: [{ name: provider.name, label: provider.label, path }], label: provider.label };
      const values = isTicked(ctx.query("remember") ?? ctx.query("rm")) ? { remember: "true" } : {};
      return page(oauth2StartView, { ...data, parameters: passedAlong(settings, (name) => ctx.query(name)) }, { values });
    });
    core.route("POST", path, (ctx) => {
      const remember = isTicked(ctx.body.get("remember") ?? ctx.body.get("rm"));
      const intent = core.intent(ctx, settings.afterLogin, remember);
      return depart(
        ctx,
        provider,
        {
          ...intent,
          to: withParameters(
            intent.to,
            passedAlong(settings, (name) => ctx.body.get(name)),
          ),
        },
        null,
      );
    });
    core.route("GET", callbackPath(provider.name), (ctx) => comeBack(ctx, provider));
    if (provider.postsForm) {
      // Posted by a page of the provider, so that the browser leaves our cookies at home: the same by GET, to which it brings them. Nothing is believed here.
      const handler = (ctx: Context): Reply => redirect(`${core.path(callbackPath(provider.name))}?${answerIn(ctx)}`);
      core.route("POST", callbackPath(provider.name), handler, { foreign: true });
    }
  }

  const offered = (): ButtonsData | null => (providers.size > 0 ? buttons() : null);
  core.fillSlot("sign-in", { name: "oauth2", data: offered, body: providerButtons });
  // Whoever registers is not asked either whether to be remembered.
  const offeredToNew = (): ButtonsData | null => (settings.register && providers.size > 0 ? { ...buttons(), remember: false } : null);
  core.fillSlot("register", { name: "oauth2", data: offeredToNew, body: providerButtons });
  if (settings.loginPage) core.route("GET", "/login", () => page(oauth2LoginView, buttons()));
  // What waits here is the business of whoever was here.
  core.on(leaveBrowser).after("record", ({ ctx }) => desk.flows.forget(ctx));

  return {
    ...tokensOf(desk),
    providers: [...providers.values()].map(({ name, label }) => ({ name, label })),
    async identities(pid) {
      await core.ready();
      return (await core.storer.listIdentities(pid)).map(({ tokens: _, ...identity }) => identity);
    },
  };
}

/** What `work` comes to; a failure of the provider is an answer like any other. */
async function attempted<T>(work: () => Promise<T>): Promise<T | ProviderFailure> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ProviderFailure) return error;
    throw error;
  }
}

async function finish(desk: Desk, ctx: Context, provider: NamedProvider, state: string, { keep, intent }: Way): Promise<Found> {
  const { url } = ctx.req;
  const answer = new URLSearchParams(url.slice(url.indexOf("?")));
  // A parameter that comes twice is refused by RFC 6749, 3.1: two readers could take it for different things.
  if (new Set(answer.keys()).size !== [...answer.keys()].length) {
    throw new ProviderFailure("oauth2_answer_invalid", new Error("a parameter came twice"));
  }
  const error = answer.get("error");
  if (error !== null) throw failureOf(error);
  return desk.foundFrom(await provider.finish(answer, state, keep), provider, intent);
}

/** What a provider's answer is made of (RFC 6749, 4.1.2; RFC 9207). Whatever else is posted stays behind. */
const ANSWER = ["code", "state", "iss", "error"] as const;
const LONGEST_ANSWER = 4096;

function answerIn({ body }: Context): URLSearchParams {
  const fields = ANSWER.map((name) => [name, body.get(name)] as const);
  return new URLSearchParams(
    fields.filter((field): field is [(typeof ANSWER)[number], string] => typeof field[1] === "string" && field[1].length <= LONGEST_ANSWER),
  );
}

const isTicked = (value: unknown): boolean => value === true || value === "true" || value === "on" || value === "1";

/** Those of the parameters that the application wants to have passed along, each once and short. */
function passedAlong({ passAlong }: OAuth2Settings, read: (name: string) => unknown): Readonly<Record<string, string>> {
  const given = passAlong.map((name) => [name, read(name)] as const);
  return Object.fromEntries(
    given.filter((one): one is [string, string] => typeof one[1] === "string" && one[1].length <= LONGEST_PARAMETER),
  );
}

/** `to`, with more in its query. */
function withParameters(to: string, parameters: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(parameters).toString();
  return query === "" ? to : `${to}${to.includes("?") ? "&" : "?"}${query}`;
}
