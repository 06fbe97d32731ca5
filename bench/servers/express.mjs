/** The floor: bare Express with the same answers. @module */
import express from "express";
import { serve, smallFile } from "../lib/serve.mjs";

const app = express();
app.get("/public", (_req, res) => void res.send("ok"));
app.get("/file", async (_req, res) => void res.send(await smallFile()));
app.get("/me", (_req, res) => void res.json({ login: "user1@example.test" }));
// The floor of a login: what is sent is read, and a cookie goes out.
app.post("/auth/login", express.json(), (req, res) => void res.cookie("sid", req.body.email).json({ status: "success" }));
serve(app);
