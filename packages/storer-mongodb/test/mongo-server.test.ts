import { MongoClient } from "mongodb";
import { MongoClient as MongoClient6 } from "mongodb6";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type MongoServer, startMongo } from "./support/mongo-server.ts";

interface Row {
  readonly _id: string;
  readonly login?: string;
  readonly tags?: readonly { readonly key: string }[];
  readonly count?: number;
  readonly ends?: Date;
}

// The other driver has the same methods; its types are of another package.
const DRIVERS = { "driver 7": MongoClient, "driver 6": MongoClient6 as unknown as typeof MongoClient };

describe.each(Object.entries(DRIVERS))("the stand-in, as %s sees it", (_, Client) => {
  let server: MongoServer;
  let client: MongoClient;
  const rows = (name: string) => client.db().collection<Row>(name);
  beforeAll(async () => {
    server = await startMongo();
    client = new Client(server.uri, { serverSelectionTimeoutMS: 2000 });
  });
  afterAll(async () => {
    await client.close();
    await server.end();
  });

  it("keeps what it is given, and hands it out in batches", async () => {
    const all = Array.from({ length: 250 }, (_unused, index): Row => ({ _id: `${index}`, count: index, ends: new Date(index) }));
    await rows("batches").insertMany(all);
    expect(await rows("batches").find().batchSize(100).toArray()).toEqual(all);
    expect(
      await rows("batches")
        .find({ count: { $lt: 9 } })
        .sort({ ends: -1 })
        .limit(2)
        .toArray(),
    ).toEqual([all[8], all[7]]);
    expect(await rows("batches").countDocuments({ count: { $gte: 200 } })).toBe(50);
    expect((await rows("batches").deleteMany({ count: { $gte: 200 } })).deletedCount).toBe(50);
    const lookedUp = await rows("batches")
      .aggregate([{ $match: { _id: "7" } }, { $lookup: { from: "batches", localField: "_id", foreignField: "_id", as: "self" } }])
      .toArray();
    expect(lookedUp).toEqual([{ ...all[7], self: [all[7]] }]);
  });

  it("leaves fields out of what it answers, and not out of what it keeps", async () => {
    const row: Row = { _id: "whole", login: "ann", tags: [{ key: "1" }] };
    await rows("whole").insertOne(row);
    const join = { $lookup: { from: "whole", localField: "_id", foreignField: "_id", as: "self" } };
    expect(await rows("whole").findOne({ _id: "whole" }, { projection: { "tags.key": 0 } })).toEqual({ ...row, tags: [{}] });
    expect(
      await rows("whole")
        .aggregate([{ $match: { _id: "whole" } }, join, { $project: { tags: 0, "self.tags": 0 } }])
        .toArray(),
    ).toEqual([{ _id: "whole", login: "ann", self: [{ _id: "whole", login: "ann" }] }]);
    expect(await rows("whole").findOne({ _id: "whole" })).toEqual(row);
  });

  it("lets one of many have a unique value, in an array too, and says which index", async () => {
    await rows("unique").createIndex({ login: 1 }, { unique: true, sparse: true });
    await rows("unique").createIndex({ "tags.key": 1 }, { unique: true, partialFilterExpression: { "tags.key": { $exists: true } } });
    const made = await Promise.allSettled(
      Array.from({ length: 20 }, (_unused, index) => rows("unique").insertOne({ _id: `${index}`, login: "ann" })),
    );
    expect(made.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    await rows("unique").insertMany([
      { _id: "x", tags: [{ key: "1" }, { key: "2" }] },
      { _id: "y", tags: [] },
      { _id: "z", tags: [] },
    ]);
    await expect(rows("unique").updateOne({ _id: "y" }, { $push: { tags: { key: "2" } } as never })).rejects.toMatchObject({
      code: 11000,
      keyPattern: { "tags.key": 1 },
    });
    await expect(rows("unique").insertOne({ _id: "x" })).rejects.toMatchObject({ code: 11000, keyPattern: { _id: 1 } });
    expect((await rows("unique").listIndexes().toArray()).map(({ name }) => name)).toEqual(["_id_", "login_1", "tags.key_1"]);
  });

  it("lets exactly so many count as the condition allows, with an upsert for the first and a pipeline for the rest", async () => {
    const count = () =>
      rows("counts").findOneAndUpdate({ _id: "c", count: { $lt: 5 } }, [{ $set: { count: { $add: [{ $ifNull: ["$count", 0] }, 1] } } }], {
        upsert: true,
        returnDocument: "after",
      });
    const counted = await Promise.allSettled(Array.from({ length: 20 }, count));
    expect(counted.filter(({ status }) => status === "fulfilled")).toHaveLength(5);
    expect(await rows("counts").findOne({ _id: "c" })).toEqual({ _id: "c", count: 5 });
    expect(await rows("counts").findOneAndDelete({ _id: "c", count: 4 })).toBeNull();
    expect(await rows("counts").findOneAndDelete({ _id: "c", count: 5 })).toEqual({ _id: "c", count: 5 });
  });

  it("removes by TTL index only what is over, when it is told to", async () => {
    await rows("ttl").createIndex({ ends: 1 }, { expireAfterSeconds: 10 });
    await rows("ttl").insertMany([{ _id: "over", ends: new Date(1000) }, { _id: "slack", ends: new Date(1001) }, { _id: "without" }]);
    server.expire(new Date(11_000));
    expect((await rows("ttl").find().toArray()).map(({ _id }) => _id)).toEqual(["slack", "without"]);
  });

  it("refuses transactions, and what it does not know", async () => {
    const session = client.startSession();
    session.startTransaction();
    await expect(rows("transactions").insertOne({ _id: "t" }, { session })).rejects.toThrow(/retryable writes|Transaction numbers/);
    await session.endSession();
    await expect(client.db().command({ mapReduce: "x" })).rejects.toMatchObject({ code: 59 });
  });

  it("lets others in between the documents of a deletion, not in between those of one", async () => {
    await rows("many").insertMany(Array.from({ length: 40 }, (_unused, index) => ({ _id: `${index}` })));
    const deleting = rows("many").deleteMany({});
    await rows("many").insertOne({ _id: "late" });
    await deleting;
    expect(await rows("many").find().toArray()).toEqual([{ _id: "late" }]);
  });

  it("has what was acknowledged when it is stopped and started again, and answers the old client", async () => {
    await rows("kept").insertOne({ _id: "k" });
    await server.stop();
    await server.start();
    expect(await rows("kept").findOne({ _id: "k" })).toEqual({ _id: "k" });
  });
});
