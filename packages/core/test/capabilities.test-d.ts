/** What the value of a capability must list, so that the start-up check cannot drift from the types. One mistake each. @module */
import {
  type Capability,
  defineCapability,
  defineModule,
  meets,
  type Needs,
  nullableDate,
  type ServerStorer,
  type User,
  wholeNumber,
} from "@castellan/core";
import { expectTypeOf } from "vitest";

interface RatedUser extends User {
  readonly stars: number;
  readonly ratedAt: Date | null;
}
interface RateOperations {
  rate(pid: string, stars: number): Promise<boolean>;
  unrate(pid: string): Promise<boolean>;
}

const rated = defineCapability<RatedUser, RateOperations>("rated", {
  user: { stars: wholeNumber, ratedAt: nullableDate },
  operations: { rate: true, unrate: true },
});
expectTypeOf(rated).toEqualTypeOf<Capability<RatedUser, RateOperations>>();

defineCapability<RatedUser, RateOperations>("rated", {
  // @ts-expect-error: the field `ratedAt` would not be checked
  user: { stars: wholeNumber },
  operations: { rate: true, unrate: true },
});

defineCapability<RatedUser, RateOperations>("rated", {
  user: { stars: wholeNumber, ratedAt: nullableDate },
  // @ts-expect-error: the operation `unrate` would not be checked
  operations: { rate: true },
});

defineCapability<RatedUser, RateOperations>("rated", {
  // @ts-expect-error: no such user has a field `moons`
  user: { stars: wholeNumber, ratedAt: nullableDate, moons: wholeNumber },
  operations: { rate: true, unrate: true },
});

defineCapability<RatedUser, RateOperations>("rated", {
  user: { stars: wholeNumber, ratedAt: nullableDate },
  // @ts-expect-error: nobody asks for an operation `burn`
  operations: { rate: true, unrate: true, burn: true },
});

defineCapability<RatedUser, RateOperations>("rated", {
  user: { stars: wholeNumber, ratedAt: nullableDate },
  // @ts-expect-error: what is needed is needed
  operations: { rate: true, unrate: false },
});

defineCapability<RatedUser, RateOperations>("rated", {
  // @ts-expect-error: a field has a check, not just a name
  user: { stars: true, ratedAt: nullableDate },
  operations: { rate: true, unrate: true },
});

defineCapability<RatedUser, RateOperations>("rated", {
  // @ts-expect-error: what every user has is no business of a capability
  user: { stars: wholeNumber, ratedAt: nullableDate, pid: wholeNumber },
  operations: { rate: true, unrate: true },
});

// An optional capability can be used where it exists, and only there.
declare const storer: ServerStorer;
// @ts-expect-error: not every storer can rate
storer.rate("pid", 5);
if (meets(storer, rated)) {
  expectTypeOf(storer.rate).toEqualTypeOf<RateOperations["rate"]>();
  expectTypeOf((await storer.load("pid"))?.stars).toEqualTypeOf<number | undefined>();
}

// Two capabilities are combined without losing either user.
interface NamedUser extends User {
  readonly name: string;
}
declare const both: Needs<RatedUser & NamedUser, RateOperations>;
const ratedAndNamed = await both.load("pid");
expectTypeOf(ratedAndNamed?.stars).toEqualTypeOf<number | undefined>();
expectTypeOf(ratedAndNamed?.name).toEqualTypeOf<string | undefined>();
expectTypeOf<typeof both>().toExtend<Needs<RatedUser, RateOperations>>();
expectTypeOf<typeof both>().toExtend<Needs<NamedUser>>();

// The storer that `start` asks for is the one that the gate must have.
const rating = defineModule({
  name: "rating",
  requires: [rated],
  reasons: [],
  texts: {},
  start: (core: { readonly storer: Needs<RatedUser, RateOperations> }) => ({ rate: core.storer.rate }),
});
expectTypeOf(rating.start).returns.toEqualTypeOf<{ rate: RateOperations["rate"] }>();
