//! Successful answers: decoded and encoded again, nothing is lost and nothing invented.

use sdk_proxmox::pve::recode::ANSWERS;
use serde_json::{Value, json};

use crate::same::same;
use crate::{Recording, Tally, corpus, nameless, recordings};

/// Tries all recordings with a success status.
pub(crate) fn check(recordings: &[Recording]) -> Tally {
    let mut tally = Tally::default();
    for recording in recordings.iter().filter(|recording| (200..300).contains(&recording.status)) {
        let Recording { file, method, path, .. } = recording;
        match round_trip(recording) {
            None => tally.passed_over.push(format!("{file}: {method} {path} is not described")),
            Some(outcome) => {
                tally.tried += 1;
                tally.wrong.extend(outcome.err().map(|why| format!("{file}: {why}")));
            }
        }
    }
    tally
}

/// Kinds of values that no description foresees.
fn odd_values() -> [Value; 10] {
    [
        json!(null),
        json!(""),
        json!("N/A"),
        json!(" 7 "),
        json!(1.5),
        json!(u64::MAX),
        json!(true),
        json!([1, "a"]),
        json!({ "new": { "deep": 1 } }),
        json!("\u{0}\u{fffd}\u{1f600}"),
    ]
}

#[test]
fn odd_values_in_place_of_the_recorded_ones_are_kept() {
    let Some(recordings) = corpus().map(|folder| recordings(&folder)) else { return };
    let mut lost = Vec::new();
    for recording in recordings.iter().filter(|recording| (200..300).contains(&recording.status)) {
        let Ok(mut body) = serde_json::from_slice::<Value>(&recording.body) else { continue };
        let original = body.get("data").cloned().unwrap_or_default();
        for (round, odd) in odd_values().into_iter().enumerate() {
            let mut places = round;
            body["data"] = original.clone();
            spoil(&mut body["data"], &odd, &mut places);
            let spoiled = Recording { body: body.to_string().into_bytes(), ..recording.clone() };
            if let Some(Err(why)) = round_trip(&spoiled) {
                lost.push(format!("{}: {why}", recording.file));
            }
        }
    }
    assert!(lost.is_empty(), "{} answers lost something:\n{}", lost.len(), lost.join("\n"));
}

/// Puts a value in the place of every seventh scalar.
fn spoil(value: &mut Value, odd: &Value, places: &mut usize) {
    match value {
        Value::Object(members) => members.values_mut().for_each(|v| spoil(v, odd, places)),
        Value::Array(items) => items.iter_mut().for_each(|v| spoil(v, odd, places)),
        scalar => {
            *places += 1;
            if places.is_multiple_of(7) {
                *scalar = odd.clone();
            }
        }
    }
}

/// What was lost, if anything; `None` where the path is not described.
fn round_trip(recording: &Recording) -> Option<Result<(), String>> {
    let (_, recode) = ANSWERS.iter().find(|(op, _)| {
        op.method.as_str() == recording.method && nameless(op.path) == recording.path
    })?;
    if recording.body.is_empty() {
        // Recorded without its body.
        return None;
    }
    let sent: Value = match serde_json::from_slice(&recording.body) {
        Ok(sent) => sent,
        Err(error) => return Some(Err(format!("is not JSON: {error}"))),
    };
    let data = sent.get("data").cloned().unwrap_or_default();
    Some(match recode(&recording.body) {
        Ok((again, _)) => same("data", &data, &again),
        Err(error) => Err(format!("{} {}: {error}", recording.method, recording.path)),
    })
}
