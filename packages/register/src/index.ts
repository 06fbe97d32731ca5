/** Creating accounts. @module */
import {
  type ArbitraryUser,
  type AuthableUser,
  type AuthOperations,
  authable,
  ConfigError,
  type Context,
  type Core,
  type CreateOperations,
  creating,
  defineModule,
  emailIdentifier,
  type FieldSet,
  hours,
  type Module,
  type Needs,
  named,
  type Outcome,
  type Problem,
  page,
  type Reply,
  randomText,
  redirect,
  refuse,
  refuseFields,
  register as registerChannel,
  secretField,
  showOn,
  subjectOfUser,
  type TextField,
  textField,
  Unavailable,
  type User,
} from "@castellan/core";
import { type RegisterPageData, registerView } from "./pages.ts";
import { registerTexts } from "./texts.ts";

export { type RegisterPageData, registerView } from "./pages.ts";

export interface RegisterOptions {
  /**
   * Extra fields of the form, kept in the user's `profile` under these names. Where people sign in by user name, one that is called `email` must be an address
   * and becomes the user's `email`. @default none
   */
  readonly fields?: Readonly<Record<string, TextField>>;
  /** Where a registration leads when no page was wanted: a path of the application. @default "/" */
  readonly afterRegister?: string;
  /** Whether the new user is signed in at once, if no guard stands against it. @default true */
  readonly signIn?: boolean;
}

const DEFAULTS = { fields: {}, afterRegister: "/", signIn: true } as const satisfies Required<RegisterOptions>;

export type RegisteringServerStorer = Needs<AuthableUser & ArbitraryUser, AuthOperations & CreateOperations>;

/** What a new account is made of. */
export interface Registration {
  /** E-mail address or user name. */
  readonly login: string;
  readonly password: string;
  /** The extra fields, taken as they are: their schemas are asked only for what a form sends. @default {} */
  readonly profile?: Readonly<Record<string, string>>;
}

/** What an application can do without the routes. */
export interface RegisterApi {
  /** Makes an account by the same rules as the registration page. Signs nobody in. Refuses with 409 `login_taken`. */
  register(registration: Registration): Promise<Outcome<User>>;
}

const PID_BYTES = 16;
const addresses = emailIdentifier();
/** Names and keys of the form's own fields. The name of the login's field comes to them. */
const OWN_NAMES = ["login", "password", "confirmation", "confirm_password", "_csrf", "redir"] as const;

/** The module: GET and POST `/register`. */
export function register(options: RegisterOptions = {}): Module<RegisteringServerStorer, RegisterApi> {
  const settings = { ...DEFAULTS, ...options };
  return defineModule({
    name: "register",
    requires: [authable, creating],
    reasons: ["registered", "registered_sign_in", "login_taken"],
    texts: registerTexts,
    start: (core: Core<RegisteringServerStorer>) => start(core, settings),
  });
}

function start(core: Core<RegisteringServerStorer>, { fields: extra, afterRegister, signIn }: Required<RegisterOptions>): RegisterApi {
  const { identifier } = core;
  const ownNames = new Set<string>([...OWN_NAMES, identifier.field]);
  const clash = [...new Set([...Object.keys(extra), ...named(extra).map(([name]) => name)])].filter((name) => ownNames.has(name));
  if (clash.length > 0)
    throw new ConfigError(clash.map((name) => `register: the extra field "${name}" has the name of a field of the form; choose another`));
  const own = {
    login: textField({ name: identifier.field, label: identifier.label, type: identifier.type, autocomplete: "username" }),
    password: secretField({ label: "field.password", autocomplete: "new-password", hint: "register.password_hint" }),
    // A JSON client has asked twice by itself, if it wants to.
    confirmation: secretField({
      name: "confirm_password",
      label: "register.confirm_password",
      autocomplete: "new-password",
      required: false,
    }),
  };
  const more: FieldSet = extra;
  const limit = core.limit("network", "network", 10, hours(1));
  // Whoever types a password blind is asked twice: a form that shows the field means it.
  const confirmation = { ...own.confirmation, required: true };
  const data: RegisterPageData = { fields: { login: own.login, ...extra, password: own.password, confirmation } };

  /** What mail would go to, as it was given. */
  const mailOf = (login: string, profile: Readonly<Record<string, string>>): string | null =>
    identifier.address(login) ?? profile["email"] ?? null;

  const inspect = async ({ login: typed, password, profile = {} }: Registration): Promise<readonly Problem[]> => {
    const login = identifier.normalize(typed);
    const mail = login === null ? null : mailOf(login, profile);
    const weakness = await core.problemOfPassword("password", password, login ?? typed);
    return [
      ...(login === null ? [{ field: identifier.field, reason: identifier.reason }] : []),
      ...(mail !== null && addresses.normalize(mail) === null ? [{ field: "email", reason: addresses.reason }] : []),
      ...(weakness ? [weakness] : []),
    ];
  };

  /** For what `inspect` found no problem in. */
  const create = async ({ login: typed, password, profile: given = {} }: Registration, ctx: Context | null): Promise<Outcome<User>> => {
    const login = identifier.normalize(typed);
    if (login === null) return { refused: refuseFields([{ field: identifier.field, reason: identifier.reason }]) };
    const mail = mailOf(login, given);
    const email = mail === null ? null : addresses.normalize(mail);
    // An address lives in one place: a copy in the profile would stay behind when it changes.
    const { email: _, ...profile } = given;
    const stopped = await core.emit.before(registerChannel, { login, profile: given, ctx });
    if (stopped) return { refused: stopped };
    // Hashed before anybody knows whether the login is free, so that the time does not tell.
    const passwordHash = await core.hasher.hash(password);
    const pid = randomText(core.random, PID_BYTES);
    if (!(await core.storer.createUser({ pid, login, email, passwordHash, profile, createdAt: core.clock.now() }))) {
      return { refused: refuse(409, "login_taken", { problems: [{ field: identifier.field, reason: "login_taken" }] }) };
    }
    const user = await core.storer.load(pid);
    if (!user) throw new Unavailable("the new user could not be loaded");
    await core.emit.after(registerChannel, { user, ctx });
    return { ok: user };
  };

  /** Through the login door: whatever stands against a sign-in stands against this one. */
  const welcome = async (ctx: Context, user: User): Promise<Reply> => {
    const later = redirect(core.path("/login"), { reason: "registered_sign_in" });
    if (!signIn) return later;
    // Whoever has just chosen the password need not type it again.
    const verdict = await core.attempt(ctx, subjectOfUser(user), "password", async () => true);
    if ("refused" in verdict) return later;
    const intent = core.intent(ctx, afterRegister, false);
    const outcome = await core.signIn(ctx, verdict.ok, intent, "register");
    return "refused" in outcome ? outcome.refused : redirect(intent.to, { reason: "registered" });
  };

  core.route("GET", "/register", () => page(registerView, data));

  core.route("POST", "/register", async (ctx): Promise<Reply> => {
    const [answer, further] = [await core.read(own, ctx), await core.read(more, ctx)];
    const preserved = { ...answer.preserved, ...further.preserved };
    const again = (reply: Reply): Reply => showOn(reply, registerView, data, preserved);
    const problems = [...(answer.ok ? [] : answer.problems), ...(further.ok ? [] : further.problems)];
    const profile = further.ok ? profileOf(further.values) : {};
    if (answer.ok) {
      problems.push(...(await inspect({ ...answer.values, profile })));
      if (differs(ctx, answer.values)) problems.push({ field: "confirm_password", reason: "passwords_unequal" });
    }
    if (problems.length > 0 || !answer.ok) return again(refuseFields(problems));
    // Behind the checks: whoever looks for a password that will do uses nothing up.
    const admission = await core.use(limit, ctx.network);
    if (!admission.admitted) return again(refuse(429, "too_many_attempts", admission));
    const outcome = await create({ ...answer.values, profile }, ctx);
    const proof = core.mailProof;
    if (!proof) return "refused" in outcome ? again(outcome.refused) : welcome(ctx, outcome.ok);
    // Where the mailbox has to be proved anyway, nobody need be told whether the login was free: its owner is told by mail.
    if ("ok" in outcome) return proof.answer(ctx);
    const owner = isTaken(outcome.refused) ? await core.subject(answer.values.login) : null;
    if (owner?.kind !== "known") return again(outcome.refused);
    await proof.taken(owner.user, ctx);
    return proof.answer(ctx);
  });

  return {
    async register(registration) {
      await core.ready();
      const problems = await inspect(registration);
      return problems.length > 0 ? { refused: refuseFields(problems) } : create(registration, null);
    },
  };
}

const isTaken = (reply: Reply): boolean => reply.kind === "refusal" && reply.reason === "login_taken";

/** Asked twice, and not answered the same. A JSON client need not ask twice: it counts only if it was sent. */
const differs = (
  { body }: Context,
  { password, confirmation }: { readonly password: string; readonly confirmation: string | null },
): boolean => body.has("confirm_password") && confirmation !== password;

/** What was filled in. Every extra field is a text field. */
const profileOf = (values: Readonly<Record<string, string | boolean | null>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
