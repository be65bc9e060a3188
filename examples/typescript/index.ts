// A pod on a machine that boots from a matchbox server.
import * as fs from "node:fs";
import * as os from "node:os";

import * as infra from "diaspora-infra";
import * as pulumi from "@pulumi/pulumi";

// npm has no package of the matchbox provider; all that is needed of one is the provider itself
class Matchbox extends pulumi.ProviderResource {
    constructor(name: string, inputs: pulumi.Inputs) {
        super("matchbox", name, inputs, { version: "0.3.0" });
    }
}

const config = new pulumi.Config();
const certificate = (name: string) => fs.readFileSync(`${os.homedir()}/.matchbox/${name}`, "utf8");
const matchbox = new Matchbox("matchbox", {
    endpoint: config.require("rpcEndpoint"),
    ca: certificate("ca.crt"),
    clientCert: certificate("client.crt"),
    clientKey: pulumi.secret(certificate("client.key")),
});

const machine = new infra.Ignition("pod", {
    pod: {
        domain: config.require("domain"),
        admin: { username: "podmin", email: "podmin@example.org" },
        mail: { senderAddress: "pod@example.org", smtp: { host: "smtp.example.org", username: "pod" } },
    },
    host: {
        users: [{
            name: "core",
            sshAuthorizedKeys: [
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPyvPaZYYgjxX2iI0ZNkUhRNBQvEYTB+rTcdfEAyLSZp podmin@example.org",
            ],
        }],
        storage: { rootGib: 12 },
        updates: { strategy: "periodic", windows: [{ days: ["Sun"], startTime: "04:00", lengthMinutes: 60 }] },
    },
    machine: { disk: "/dev/vda" },
    secrets: { smtpPassword: config.requireSecret("smtpPassword") },
});

const pod = new infra.PxePod("pod", {
    mac: "52:54:00:a1:9c:01",
    ignition: machine.ignition,
    matchboxUrl: config.require("httpUrl"),
    version: "44.20260802.3.1",
    disk: "/dev/vda",
}, { providers: { matchbox } });

export const ipxe = pod.ipxeUrl;
export const installed = pod.config;
