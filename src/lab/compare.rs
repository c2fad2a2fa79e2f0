//! Two runs of a lab compared, probe by probe, in six layers.
//!
//! What is not compared: looks between tables (`at` steps), the numbers of connections, and the order of passes
//! through different hosts at one moment.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// What of a run is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// Each pass through a host: where it starts and how it ends.
    Fate,
    /// The rules, chain ends and policies that it meets.
    Path,
    /// The packet as it came and as it left.
    Packet,
    /// The connections afterwards.
    State,
    /// What sender and listeners saw.
    Ends,
    /// What was added to the counters.
    Counters,
}

impl Layer {
    /// All layers, in the order in which they are told.
    pub const ALL: [Layer; 6] =
        [Layer::Fate, Layer::Path, Layer::Packet, Layer::State, Layer::Ends, Layer::Counters];

    /// The layer's name.
    pub fn name(self) -> &'static str {
        match self {
            Layer::Fate => "fate",
            Layer::Path => "path",
            Layer::Packet => "packet",
            Layer::State => "state",
            Layer::Ends => "ends",
            Layer::Counters => "counters",
        }
    }
}

/// A layer of a probe in which the runs differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The probe's name.
    pub probe: String,
    /// The layer.
    pub layer: Layer,
    /// What Linux did.
    pub linux: Vec<Value>,
    /// What the model says.
    pub model: Vec<Value>,
}

/// How many probes agree in a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// So many agree.
    pub agree: usize,
    /// Of so many.
    pub of: usize,
}

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    scores: BTreeMap<Layer, Score>,
    /// The differences, in the order of the probes.
    pub differences: Vec<Difference>,
}

impl Comparison {
    /// A layer's figures.
    pub fn score(&self, layer: Layer) -> Score {
        self.scores.get(&layer).copied().unwrap_or_default()
    }
}

/// The figures on one line: `fate 3/3  path 2/3  …`.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, layer) in Layer::ALL.into_iter().enumerate() {
            let Score { agree, of } = self.score(layer);
            write!(f, "{}{} {agree}/{of}", if i == 0 { "" } else { "  " }, layer.name())?;
        }
        Ok(())
    }
}

/// The figures as an object: `{"fate": [3, 3], "path": [2, 3], …}`.
impl Serialize for Comparison {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(Layer::ALL.len()))?;
        for layer in Layer::ALL {
            let Score { agree, of } = self.score(layer);
            map.serialize_entry(layer.name(), &[agree, of])?;
        }
        map.end()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} differs", self.probe, self.layer.name())?;
        for (who, items) in [("Linux", &self.linux), ("model", &self.model)] {
            write!(f, "\n    {who}:")?;
            if items.is_empty() {
                f.write_str("\n        (nothing)")?;
            }
            for item in items {
                write!(f, "\n        {item}")?;
            }
        }
        Ok(())
    }
}

/// The fields of a packet that count.
const PACKET: [&str; 12] =
    ["src", "dst", "proto", "sport", "dport", "type", "code", "flags", "ttl", "len", "tos", "hl"];

/// The fields of a probe's result that count.
const ENDS: [&str; 10] = [
    "connect",
    "sent",
    "errors",
    "received",
    "replies",
    "socket_errors",
    "after_close",
    "exit",
    "stdout",
    "stderr",
];

/// Compares what a real kernel did with what the model says of the same lab, both as `lab run --json` writes it.
///
/// Probes are paired by position. A text with `<varies>` on Linux's side (a random port, say) matches anything.
pub fn compare(truth: &Value, actual: &Value) -> Comparison {
    let mut found = Comparison::default();
    let theirs = list(actual, "probes");
    for (i, probe) in list(truth, "probes").iter().enumerate() {
        for layer in Layer::ALL {
            let linux = items(probe, layer);
            let model = theirs.get(i).map(|p| items(p, layer));
            let score = found.scores.entry(layer).or_default();
            score.of += 1;
            match model {
                Some(model) if same_list(&linux, &model) => score.agree += 1,
                model => found.differences.push(Difference {
                    probe: probe["name"].as_str().map_or(format!("probe {}", i + 1), str::to_owned),
                    layer,
                    linux,
                    model: model.unwrap_or_default(),
                }),
            }
        }
    }
    found
}

/// Equality in which `<varies>` on Linux's side matches anything.
fn same(linux: &Value, model: &Value) -> bool {
    match (linux, model) {
        (Value::String(a), _) if a.contains("<varies>") => true,
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| same(v, w)))
        }
        (Value::Array(a), Value::Array(b)) => same_list(a, b),
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    }
}

fn same_list(linux: &[Value], model: &[Value]) -> bool {
    linux.len() == model.len() && linux.iter().zip(model).all(|(a, b)| same(a, b))
}

/// A field's items; none if it is not there.
fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// An object's entries by their names; none if it is not one.
fn entries(value: Option<&Value>) -> BTreeMap<&str, &Value> {
    let map = value.and_then(Value::as_object);
    map.into_iter().flatten().map(|(name, value)| (name.as_str(), value)).collect()
}

/// Some of an object's fields.
fn pick(value: Option<&Value>, fields: &[&str]) -> Value {
    let picked = fields.iter().filter_map(|f| Some(((*f).to_owned(), value?.get(f)?.clone())));
    Value::Object(picked.collect())
}

/// What a probe has to compare in a layer.
fn items(probe: &Value, layer: Layer) -> Vec<Value> {
    let of_passes = |item: &dyn Fn(&str, &Value) -> Value| {
        let mut by_host: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for pass in list(probe, "journey") {
            let host = pass["host"].as_str().unwrap_or_default();
            by_host.entry(host).or_default().push(item(host, pass));
        }
        by_host.into_values().flatten().collect()
    };
    match layer {
        Layer::Fate => of_passes(&|host, pass| {
            json!([host, pass["start"], pass["last_hook"], pass["fate"], pass["sent_on"]])
        }),
        Layer::Path => of_passes(&|host, pass| json!([host, steps(pass)])),
        Layer::Packet => of_passes(&|host, pass| {
            json!([host, pick(pass.get("packet"), &PACKET), pick(pass.get("sent_packet"), &PACKET)])
        }),
        Layer::State => {
            let hosts = entries(probe.get("conntrack")).into_iter();
            let with_rows = hosts.map(|(host, tracked)| (host, rows(tracked)));
            with_rows.filter(|(_, rows)| !rows.is_empty()).map(|(host, rows)| json!([host, rows])).collect()
        }
        Layer::Ends => {
            let received = list(probe, "received").iter().map(|r| json!(["listener", r]));
            std::iter::once(json!(["sender", pick(probe.get("result"), &ENDS)])).chain(received).collect()
        }
        Layer::Counters => {
            let hosts = entries(probe.get("counters")).into_iter();
            let grown = hosts.filter(|(_, added)| added.as_object().is_some_and(|a| !a.is_empty()));
            grown.map(|(host, added)| json!([host, added])).collect()
        }
    }
}

/// The steps of a pass that are rules, chain ends and policies.
fn steps(pass: &Value) -> Vec<Value> {
    let at_rules = list(pass, "path").iter().filter(|step| step.get("table").is_some());
    at_rules
        .map(|step| {
            let ends = step.get("end").is_some_and(|end| end != &json!(false));
            let what = match step.get("rule") {
                Some(rule) => rule.clone(),
                None if ends => json!("end"),
                None => json!("policy"),
            };
            let verdict = if what == "policy" { &step["policy"] } else { &step["verdict"] };
            json!([step["table"], step["chain"], what, verdict, step["to"]])
        })
        .collect()
}

/// The connections that a host knows, as sorted texts without their numbers.
fn rows(tracked: &Value) -> Vec<Value> {
    let mut rows: Vec<String> = list(tracked, "table")
        .iter()
        .map(|row| {
            let fields = entries(Some(row)).into_iter().filter(|(name, _)| *name != "ct");
            let row: Map<String, Value> =
                fields.map(|(name, value)| (name.to_owned(), value.clone())).collect();
            Value::Object(row).to_string()
        })
        .collect();
    rows.sort();
    rows.into_iter().map(Value::String).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A probe with something in each layer.
    fn run() -> Value {
        json!({"probes": [{
            "name": "p", "result": {"sent": 1, "local": "1.2.3.4:5"},
            "received": [{"host": "b", "from": "10.0.0.1:40000", "data": "x"}],
            "journey": [
                {"host": "b", "start": "PREROUTING", "last_hook": "INPUT", "fate": "delivered",
                 "packet": {"src": "10.0.0.1", "ttl": 64, "data": "x"},
                 "path": [{"at": "PREROUTING:start"}, {"table": "filter", "chain": "INPUT", "rule": 1,
                           "text": "-j DROP", "verdict": "DROP"}]},
                {"host": "a", "start": "OUTPUT", "last_hook": "POSTROUTING", "fate": "sent", "sent_on": "eth0",
                 "packet": {"src": "10.0.0.1", "ttl": 64}, "sent_packet": {"src": "10.0.0.1", "ttl": 64},
                 "path": [{"table": "filter", "chain": "c", "end": true},
                          {"table": "filter", "chain": "OUTPUT", "policy": "ACCEPT"}]}],
            "conntrack": {"a": {"table": [{"ct": 1, "orig": "x", "status": ["CONFIRMED"]}, {"ct": 2, "orig": "w"}]},
                          "b": {"events": [], "table": []}},
            "counters": {"a": {"filter/OUTPUT/policy": [1, 32]}, "b": {}}
        }]})
    }

    /// The layers that differ after a change to what the model says.
    fn differs(at: &str, value: Value) -> Vec<&'static str> {
        let mut model = run();
        *model.pointer_mut(at).expect("a place in the run") = value;
        compare(&run(), &model).differences.iter().map(|d| d.layer.name()).collect()
    }

    #[test]
    fn each_layer_sees_its_own() {
        let none: [&str; 0] = [];
        assert_eq!(
            compare(&run(), &run()).to_string(),
            "fate 1/1  path 1/1  packet 1/1  state 1/1  ends 1/1  counters 1/1"
        );
        assert_eq!(differs("/probes/0/journey/0/fate", json!("dropped")), ["fate"]);
        assert_eq!(differs("/probes/0/journey/1/sent_on", json!("eth1")), ["fate"]);
        assert_eq!(differs("/probes/0/journey/0/path/1/rule", json!(2)), ["path"]);
        assert_eq!(differs("/probes/0/journey/1/path/0/end", json!(false)), ["path"]);
        assert_eq!(differs("/probes/0/journey/0/path/1/text", json!("")), none);
        assert_eq!(differs("/probes/0/journey/0/path/0", json!({"at": "INPUT:end"})), none);
        assert_eq!(differs("/probes/0/journey/0/packet/ttl", json!(63)), ["packet"]);
        assert_eq!(differs("/probes/0/journey/0/packet/data", json!("y")), none);
        assert_eq!(differs("/probes/0/journey/1/sent_packet", json!(null)), ["packet"]);
        assert_eq!(differs("/probes/0/conntrack/a/table/0/status", json!([])), ["state"]);
        assert_eq!(differs("/probes/0/conntrack/a/table/0/ct", json!(7)), none);
        assert_eq!(differs("/probes/0/conntrack/b", json!({"table": [{}]})), ["state"]);
        assert_eq!(differs("/probes/0/result/sent", json!(2)), ["ends"]);
        assert_eq!(differs("/probes/0/result/local", json!("")), none);
        assert_eq!(differs("/probes/0/received/0/data", json!("y")), ["ends"]);
        assert_eq!(differs("/probes/0/counters/a/filter~1OUTPUT~1policy/0", json!(2)), ["counters"]);
        assert_eq!(differs("/probes/0/counters/b", json!(null)), none);
        assert_eq!(differs("/probes", json!([])), ["fate", "path", "packet", "state", "ends", "counters"]);
    }

    #[test]
    fn order_counts_within_a_host_only() {
        let mut model = run();
        let passes = model.pointer_mut("/probes/0/journey").and_then(Value::as_array_mut).expect("a journey");
        passes.swap(0, 1);
        let rows =
            model.pointer_mut("/probes/0/conntrack/a/table").and_then(Value::as_array_mut).expect("a table");
        rows.swap(0, 1);
        assert_eq!(compare(&run(), &model).differences, []);
        let passes = model.pointer_mut("/probes/0/journey").and_then(Value::as_array_mut).expect("a journey");
        passes[0]["host"] = json!("b");
        assert_ne!(compare(&run(), &model).differences, []);
    }

    #[test]
    fn what_varies_on_linux_matches_anything() {
        let mut linux = run();
        linux["probes"][0]["received"][0]["from"] = json!("10.0.0.1:<varies>");
        assert_eq!(compare(&linux, &run()).differences, []);
        assert_ne!(compare(&run(), &linux).differences, [], "on the model's side it is only a text");
    }
}
