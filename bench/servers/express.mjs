/** The floor: bare Express with the same answers. @module */
import express from "express";
import { serve, smallFile } from "../lib/serve.mjs";

const app = express();
app.get("/public", (_req, res) => void res.send("ok"));
app.get("/file", async (_req, res) => void res.send(await smallFile()));
app.get("/me", (_req, res) => void res.json({ login: "user1@example.test" }));
serve(app);
