//! A lab's run in lines for people.

use serde_json::Value;
use std::io::{self, Write};

/// Prints each probe: what the sender saw, each pass through each host with the rules it met, what servers got.
pub(super) fn print(run: &Value, out: &mut dyn Write) -> io::Result<()> {
    for (i, probe) in list(run, "probes").iter().enumerate() {
        writeln!(out, "{}. {} ({})", i + 1, text(probe, "name"), text(probe, "do"))?;
        if let Some(result) = probe.get("result").and_then(Value::as_object).filter(|r| !r.is_empty()) {
            let fields: Vec<String> =
                result.iter().map(|(name, value)| format!("{name} {}", short(value))).collect();
            writeln!(out, "   sender: {}", fields.join(", "))?;
        }
        for pass in list(probe, "journey") {
            one_pass(pass, out)?;
        }
        for got in list(probe, "received") {
            let fields = got.as_object().into_iter().flatten();
            let fields = fields.filter(|(name, _)| !matches!(name.as_str(), "host" | "listener"));
            let fields: Vec<String> =
                fields.map(|(name, value)| format!("{name} {}", short(value))).collect();
            writeln!(out, "   {} {}: {}", text(got, "host"), text(got, "listener"), fields.join(", "))?;
        }
    }
    Ok(())
}

fn one_pass(pass: &Value, out: &mut dyn Write) -> io::Result<()> {
    let came = packet(&pass["packet"]);
    writeln!(out, "   {}: {} at {}", text(pass, "host"), came, text(pass, "start"))?;
    for step in list(pass, "path") {
        let place = || format!("{} {}", text(step, "table"), text(step, "chain"));
        if let Some(rule) = step.get("rule") {
            let line = format!("{} {}: {}  {}", place(), rule, text(step, "verdict"), text(step, "text"));
            writeln!(out, "      {}", line.trim_end())?;
        } else if step.get("policy").is_some_and(|policy| policy == "DROP") {
            writeln!(out, "      {}: policy DROP", place())?;
        }
    }
    write!(out, "      = {}", text(pass, "fate"))?;
    if let Some(device) = pass.get("sent_on").and_then(Value::as_str) {
        write!(out, " on {device}")?;
    }
    let left = pass.get("sent_packet").or(pass.get("delivered_packet")).map(packet);
    match left.filter(|left| *left != came) {
        Some(left) => writeln!(out, " as {left}"),
        None => writeln!(out),
    }
}

/// A packet in short.
fn packet(packet: &Value) -> String {
    let end = |addr: &str, port: &str| match packet.get(port) {
        Some(port) if text(packet, addr).contains(':') => format!("[{}]:{port}", text(packet, addr)),
        Some(port) => format!("{}:{port}", text(packet, addr)),
        None => text(packet, addr),
    };
    let mut line = format!("{} {} > {}", text(packet, "proto"), end("src", "sport"), end("dst", "dport"));
    if packet.get("flags").is_some() {
        line += &format!(" {}", text(packet, "flags"));
    }
    if packet.get("type").is_some() {
        line += &format!(" type {} code {}", text(packet, "type"), text(packet, "code"));
    }
    line
}

/// A value in short: text without its quotes.
fn short(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A field in short; nothing if it is not there.
fn text(value: &Value, field: &str) -> String {
    value.get(field).map(short).unwrap_or_default()
}

/// A field's items; none if it is not there.
fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
