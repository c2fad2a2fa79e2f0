//! `docs/lab.schema.json` against the reader: the same fields, the same needs, the same ranges; and every lab is
//! valid.
#![cfg(not(target_arch = "wasm32"))]

use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use vitrine::lab::Lab;

fn schema() -> Value {
    let text = std::fs::read_to_string("docs/lab.schema.json").expect("the schema");
    serde_json::from_str(&text).expect("the schema as JSON")
}

/// Follows a reference.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema.get("$ref").and_then(Value::as_str) {
        None => schema,
        Some(path) => {
            let at = path.strip_prefix('#').expect("a reference within the schema");
            resolve(root, root.pointer(at).unwrap_or_else(|| panic!("no {path}")))
        }
    }
}

/// What a value lacks to be as the schema says, by the keywords that `docs/lab.schema.json` uses.
fn faults(root: &Value, schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fault = |what: String| found.push(format!("{path}: {what}"));
    let Some(keywords) = schema.as_object() else {
        return if schema == &json!(false) { vec![format!("{path}: nothing may be here")] } else { found };
    };
    let mut deeper = Vec::new();
    for (keyword, said) in keywords {
        match keyword.as_str() {
            "$ref" => deeper.extend(faults(root, resolve(root, schema), value, path)),
            "type" => {
                let is = match said.as_str() {
                    Some("object") => value.is_object(),
                    Some("array") => value.is_array(),
                    Some("string") => value.is_string(),
                    Some("boolean") => value.is_boolean(),
                    Some("integer") => value.is_i64() || value.is_u64(),
                    Some("number") => value.is_number(),
                    other => panic!("type {other:?}"),
                };
                if !is {
                    fault(format!("not of type {said}"));
                }
            }
            "enum" if !said.as_array().is_some_and(|all| all.contains(value)) => {
                fault(format!("not one of {said}"))
            }
            "const" if said != value => fault(format!("not {said}")),
            "minimum" if value.as_f64() < said.as_f64() => fault(format!("less than {said}")),
            "maximum" if value.is_number() && value.as_f64() > said.as_f64() => {
                fault(format!("more than {said}"))
            }
            "minItems" if value.as_array().is_some_and(|a| (a.len() as u64) < said.as_u64().unwrap_or(0)) => {
                fault("too few".to_owned());
            }
            "required" => {
                for name in said.as_array().into_iter().flatten().filter_map(Value::as_str) {
                    if value.is_object() && value.get(name).is_none() {
                        fault(format!("`{name}` is missing"));
                    }
                }
            }
            "properties" | "additionalProperties" => {
                let known = schema.get("properties");
                for (name, inner) in value.as_object().into_iter().flatten() {
                    let own = known.and_then(|k| k.get(name));
                    let path = format!("{path}.{name}");
                    match (keyword.as_str(), own) {
                        ("properties", Some(own)) => deeper.extend(faults(root, own, inner, &path)),
                        ("additionalProperties", None) => deeper.extend(faults(root, said, inner, &path)),
                        _ => {}
                    }
                }
            }
            "propertyNames" => {
                for name in value.as_object().into_iter().flatten().map(|(name, _)| name) {
                    deeper.extend(faults(root, said, &json!(name), path));
                }
            }
            "items" | "prefixItems" => {
                let prefix = schema.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
                for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                    let path = format!("{path}[{i}]");
                    match keyword.as_str() {
                        "items" if i >= prefix => deeper.extend(faults(root, said, item, &path)),
                        "prefixItems" if i < prefix => deeper.extend(faults(root, &said[i], item, &path)),
                        _ => {}
                    }
                }
            }
            "anyOf" | "oneOf" => {
                let ways: Vec<_> = said.as_array().into_iter().flatten().collect();
                let fit = ways.iter().filter(|way| faults(root, way, value, path).is_empty()).count();
                if fit == 0 || keyword == "oneOf" && fit > 1 {
                    fault(format!("{fit} of {} ways fit", ways.len()));
                }
            }
            "enum" | "const" | "minimum" | "maximum" | "minItems" | "maxItems" => {}
            "description" | "default" | "format" | "pattern" | "title" | "$schema" | "$defs" => {}
            other => panic!("keyword {other}"),
        }
    }
    found.extend(deeper);
    found
}

#[test]
fn every_lab_is_valid() {
    let root = schema();
    let beside = std::env::var("VITRINE_SHARED").unwrap_or("../shared".into());
    let mut count = 0;
    for folder in ["tests/data/labs".to_owned(), format!("{beside}/truth/netfilter/labs")] {
        for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()) {
            let text = std::fs::read_to_string(&path).expect("a readable lab");
            let lab = serde_json::from_str(&text).expect("JSON");
            assert_eq!(faults(&root, &root, &lab, "").join("\n"), "", "{}", path.display());
            count += 1;
        }
    }
    assert!(count >= 10, "the labs of tests/data");
}

/// Where an object of each kind stands in a lab: `@` is the object.
const PLACES: [(&str, &str); 17] = [
    ("", "@"),
    ("host", r#"{"name": "n", "hosts": {"a": @}, "probes": []}"#),
    ("interfaceSettings", r#"{"name": "n", "hosts": {"a": {"interfaces": {"e": @}}}, "probes": []}"#),
    ("bridge", r#"{"name": "n", "hosts": {"a": {"bridges": {"e": @}}}, "probes": []}"#),
    ("listener", r#"{"name": "n", "hosts": {"a": {"listeners": [@]}}, "probes": []}"#),
    ("probe_udp", PROBE),
    ("probe_tcp", PROBE),
    ("probe_ping", PROBE),
    ("probe_packet", PROBE),
    ("probe_packets", PROBE),
    ("probe_run", PROBE),
    ("probe_push", PROBE),
    ("probe_sleep", PROBE),
    ("packet", r#"{"name": "n", "hosts": {}, "probes": [{"do": "packet", "from": "a", "packet": @}]}"#),
    (
        "packetsItem",
        r#"{"name": "n", "hosts": {}, "probes": [{"do": "packets", "from": "a", "packets": [@]}]}"#,
    ),
    ("fragment", FRAGMENT),
    ("cidrs", r#"{"name": "n", "hosts": {"a": {"bridges": {"e": {"addr": @}}}}, "probes": []}"#),
];
const PROBE: &str = r#"{"name": "n", "hosts": {}, "probes": [@]}"#;
const FRAGMENT: &str = r#"{"name": "n", "hosts": {}, "probes": [{"do": "packet", "from": "a",
    "packet": {"src": "10.0.0.1", "dst": "10.0.0.2", "frag": @}}]}"#;

/// What the reader says to a value at a place, its parts' agreement apart.
fn read(place: &str, value: &Value) -> Result<(), String> {
    let text = place.replace('@', &value.to_string());
    serde_json::from_str::<Lab>(&text).map(|_| ()).map_err(|e| e.to_string())
}

/// Values that a schema allows, its bounds among them, and values that it does not.
fn samples(root: &Value, schema: &Value) -> (Vec<Value>, Vec<Value>) {
    match schema.get("$ref").and_then(Value::as_str).map(|r| r.trim_start_matches("#/$defs/")) {
        Some("address") => {
            return (vec![json!("10.0.0.1"), json!("fd00::1")], vec![json!("10.0.0.1/8"), json!(1)]);
        }
        Some("cidr") => return (vec![json!("10.0.0.1/24"), json!("fd00::1")], vec![json!("10.0.0.1/33")]),
        Some("mac") => return (vec![json!("02:00:00:00:00:01")], vec![json!("02:00"), json!(2)]),
        Some("hostName") => {
            return (vec![json!("a"), json!("r-1.x_2")], vec![json!("a b"), json!(""), json!("-a")]);
        }
        Some("ifName") => return (vec![json!("eth0")], vec![json!("sixteen-bytes-xx"), json!("a/b")]),
        Some("linkEnd") => return (vec![json!("a:eth0")], vec![json!("a"), json!("a:")]),
        Some("hex") => return (vec![json!(""), json!("0a ff")], vec![json!("0"), json!("0x00")]),
        Some("flagNames") => return (vec![json!("syn,ACK"), json!(""), json!("ALL")], vec![json!("x")]),
        Some("probe") => return (vec![json!({"do": "sleep", "seconds": 0.5})], vec![json!({"do": "nap"})]),
        _ => {}
    }
    let schema = resolve(root, schema);
    if let Some(all) = schema.get("enum").and_then(Value::as_array) {
        return (all.clone(), vec![json!("zz")]);
    }
    if let Some(one) = schema.get("const") {
        return (vec![one.clone()], vec![json!("zz")]);
    }
    if let Some(ways) = schema.get("anyOf").and_then(Value::as_array) {
        return (ways.iter().flat_map(|way| samples(root, way).0).collect(), Vec::new());
    }
    let bound = |name: &str| schema.get(name).and_then(Value::as_i64);
    match schema.get("type").and_then(Value::as_str) {
        Some("boolean") => (vec![json!(true), json!(false)], vec![json!(1), json!("true")]),
        Some("string") if schema.get("pattern").is_some() => {
            (vec![json!("ip"), json!("link:eth0")], vec![json!("if")])
        }
        Some("string") => (vec![json!("x")], vec![json!(1), json!([])]),
        Some("integer") => {
            let (low, high) = (bound("minimum"), bound("maximum"));
            let good = [low.unwrap_or(-5), high.unwrap_or(1 << 40)].map(|n| json!(n)).to_vec();
            // The greatest offset is the greatest multiple of 8; which numbers are is asked when the packet is made.
            let bad = [low.map(|n| n - 1), high.filter(|n| *n != 65528).map(|n| n + 1)];
            (good, bad.into_iter().flatten().map(|n| json!(n)).chain([json!(1.5), json!("1")]).collect())
        }
        Some("number") => {
            (vec![json!(0), json!(0.25), json!(86400)], vec![json!(-1), json!(86401), json!("1")])
        }
        Some("array") => match schema.get("prefixItems").and_then(Value::as_array) {
            Some(prefix) => {
                (vec![prefix.iter().map(|p| samples(root, p).0[0].clone()).collect()], vec![json!([])])
            }
            None => {
                let (good, bad) = samples(root, &schema["items"]);
                let lists = good.into_iter().map(|v| json!([v])).chain([json!([])]).collect();
                (lists, bad.into_iter().map(|v| json!([v])).collect())
            }
        },
        Some("object") if schema.get("properties").is_some() => {
            (vec![Value::Object(least(root, schema))], vec![])
        }
        Some("object") => {
            let named = |value: Value| json!({"e": value});
            let (good, bad) = samples(root, &schema["additionalProperties"]);
            let (_, no_names) = samples(root, &schema["propertyNames"]);
            let odd = no_names.iter().filter_map(Value::as_str).map(|n| json!({n: good[0]}));
            let odd: Vec<_> = odd.collect();
            (
                good.into_iter().map(named).chain([json!({})]).collect(),
                bad.into_iter().map(named).chain(odd).collect(),
            )
        }
        other => panic!("no samples of {other:?}"),
    }
}

/// The least object of a kind: what it must have.
fn least(root: &Value, schema: &Value) -> Map<String, Value> {
    let names =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    names.map(|n| (n.to_owned(), samples(root, &schema["properties"][n]).0[0].clone())).collect()
}

#[test]
fn the_reader_knows_the_same_fields() {
    let root = schema();
    let mut seen = BTreeSet::new();
    for (kind, place) in PLACES {
        let schema = if kind.is_empty() { &root } else { &root["$defs"][kind] };
        let Some(properties) = schema["properties"].as_object() else { continue };
        seen.insert(kind);
        let mut object = least(&root, schema);
        object.insert("zz".to_owned(), json!(0));
        let error = read(place, &Value::Object(object)).expect_err("an unknown field is refused");
        let (_, expected) = error.split_once("expected ").unwrap_or_else(|| panic!("{kind}: {error}"));
        let mut known: BTreeSet<&str> = expected.split('`').skip(1).step_by(2).collect();
        if kind.starts_with("probe_") {
            known.insert("do");
        }
        if kind == "packetsItem" {
            known.extend(["via", "from", "wait"]);
        }
        assert_eq!(known, properties.keys().map(String::as_str).collect(), "{kind}");
    }
    let objects = root["$defs"].as_object().expect("definitions").iter();
    let objects = objects.filter(|(_, d)| d.get("properties").is_some()).map(|(name, _)| name.as_str());
    assert_eq!(seen, objects.chain([""]).collect(), "each kind of object was asked");
}

#[test]
fn the_reader_takes_and_refuses_the_same_values() {
    let root = schema();
    let mut asked = 0;
    for (kind, place) in PLACES {
        let schema = if kind.is_empty() { &root } else { &root["$defs"][kind] };
        let Some(properties) = schema["properties"].as_object() else { continue };
        let base = least(&root, schema);
        assert_eq!(read(place, &Value::Object(base.clone())), Ok(()), "{kind}: what must be there is enough");
        for name in base.keys() {
            let mut less = base.clone();
            less.remove(name);
            assert!(read(place, &Value::Object(less)).is_err(), "{kind}.{name} must be there");
        }
        for (name, property) in properties {
            let (good, bad) = samples(&root, property);
            for (value, fits) in good.iter().map(|v| (v, true)).chain(bad.iter().map(|v| (v, false))) {
                let mut object = base.clone();
                object.insert(name.clone(), value.clone());
                let object = Value::Object(object);
                assert_eq!(
                    read(place, &object).is_ok(),
                    fits,
                    "{kind}.{name}: {value} {:?}",
                    read(place, &object)
                );
                // Names and addresses are patterns and formats, which this test does not evaluate.
                let spelt = value.is_string() || value.is_array() || value.is_object();
                let valid = faults(&root, schema, &object, "");
                assert!(valid.is_empty() == fits || !fits && spelt, "{kind}.{name}: {value}: {valid:?}");
                asked += 1;
            }
        }
    }
    assert!(asked > 500, "{asked} values");
}

#[test]
fn the_document_tells_every_field_and_its_example_is_a_lab() {
    let text = std::fs::read_to_string("docs/labs.md").expect("the document");
    let example = text.split("```json").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let lab: Lab = example.parse().expect("the example as a lab");
    assert_eq!(lab.hosts.len(), 3);
    let root = schema();
    let kinds = root["$defs"].as_object().expect("definitions").values().chain([&root]);
    for name in kinds.filter_map(|kind| kind["properties"].as_object()).flat_map(|p| p.keys()) {
        assert!(text.contains(&format!("`{name}`")), "docs/labs.md does not tell `{name}`");
    }
}
