//! Tokens: made for a password or by request, and what they let in.

use http::{HeaderMap, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::Answer;
use super::model::models;
use super::render;
use super::route::json_body;
use super::state::{Row, State};

const TOKENS: &str = "users/tokens";

/// The password of the administrator that a fresh mock has.
pub(super) const PASSWORD: &str = "mock-password";

/// Who a request is from.
pub(super) fn authenticate(
    state: &State,
    headers: &HeaderMap,
    writes: bool,
) -> Result<i64, &'static str> {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|header| header.split_once(' ')).map(|(_, token)| token.trim());
    let token = token.ok_or("Authentication credentials were not provided.")?;
    if token == super::TOKEN {
        return Ok(1);
    }
    let table = state.table(TOKENS).into_iter().flat_map(|table| table.rows.values());
    let found = table.into_iter().find(|row| secret(row).is_some_and(|known| known == token));
    let Some(row) = found else {
        // Which version a token has is in the token, not in the keyword.
        let is_new = token.starts_with("nbt_");
        return Err(if is_new { "Invalid v2 token" } else { "Invalid v1 token" });
    };
    if row.get("enabled") == Some(&json!(false)) {
        return Err("Token disabled");
    }
    let expires = row.get("expires").and_then(Value::as_str);
    if expires.and_then(|time| time.parse::<Timestamp>().ok()).is_some_and(|t| t < Timestamp::now())
    {
        return Err("Token expired");
    }
    if writes && row.get("write_enabled") == Some(&json!(false)) {
        return Err("You do not have permission to perform this action.");
    }
    Ok(row.get("user").and_then(Value::as_i64).unwrap_or(1))
}

/// The text that a request must carry.
fn secret(row: &Row) -> Option<String> {
    let secret = row.get("_secret")?.as_str()?;
    Some(match row.get("key").and_then(Value::as_str) {
        Some(key) => format!("nbt_{key}.{secret}"),
        None => secret.to_owned(),
    })
}

/// Gives a new token its secret, which is shown once.
pub(super) fn mint(state: &State, row: &mut Row) {
    if row.get("_secret").is_some() {
        return;
    }
    // Not the number of those that there are: one may have been deleted.
    let number = state.last_id(TOKENS) + 1;
    let given = row.get("token").and_then(Value::as_str).filter(|text| !text.is_empty());
    let secret = given.map_or_else(|| format!("{number:0>40x}"), str::to_owned);
    let version = row.get("version").and_then(Value::as_i64).unwrap_or(2);
    row.insert("version".to_owned(), json!(version));
    let key = (version == 2).then(|| format!("mockkey{number:0>5}"));
    row.insert("key".to_owned(), json!(key));
    row.insert("token".to_owned(), Value::Null);
    row.insert("_secret".to_owned(), json!(secret));
}

/// The answer to whoever made a token: the only one with its secret.
pub(super) fn reveal(state: &State, id: i64, shown: &mut Value) {
    let row = state.row(TOKENS, id);
    if let Some(secret) = row.and_then(|row| row.get("_secret")) {
        shown["token"] = secret.clone();
    }
}

/// Makes a token for a name and a password.
pub(super) fn provision(state: &mut State, body: &[u8]) -> Answer {
    let body = match json_body(body) {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let users = state.table("users/users").into_iter().flat_map(|table| &table.rows);
    let mut known = users.filter(|(_, row)| row.get("username") == body.get("username"));
    let user = known.find(|(_, row)| {
        let password = row.get("_password").and_then(Value::as_str);
        password.is_some() && body.get("password").and_then(Value::as_str) == password
    });
    let Some(user) = user.map(|(id, _)| *id) else {
        return Answer::detail(403, "Invalid username/password");
    };
    let Some(model) = models().get(TOKENS) else { return Answer::nothing(404) };
    let mut row = Row::from_iter([
        ("user".to_owned(), json!(user)),
        ("version".to_owned(), json!(2)),
        ("enabled".to_owned(), json!(true)),
        ("write_enabled".to_owned(), json!(true)),
        ("description".to_owned(), body.get("description").cloned().unwrap_or(json!(""))),
        ("allowed_ips".to_owned(), json!([])),
        ("expires".to_owned(), body.get("expires").cloned().unwrap_or_default()),
        ("last_used".to_owned(), Value::Null),
    ]);
    mint(state, &mut row);
    row.insert("created".to_owned(), json!(state.tick()));
    let id = state.next_id(model.path);
    state.put(model.path, id, row.clone());
    state.commit();
    let mut shown = render::object(state, model, id, &row);
    reveal(state, id, &mut shown);
    Answer::json(201, shown)
}

/// What a password lacks, in NetBox's words.
pub(super) fn weak(password: &str) -> Vec<&'static str> {
    let has = |test: fn(&char) -> bool| password.chars().any(|letter| test(&letter));
    let rules = [
        (
            password.chars().count() >= 12,
            "This password is too short. It must contain at least 12 characters.",
        ),
        (has(char::is_ascii_digit), "Password must have at least one numeral."),
        (has(char::is_ascii_uppercase), "Password must have at least one uppercase letter."),
        (has(char::is_ascii_lowercase), "Password must have at least one lowercase letter."),
    ];
    rules.into_iter().filter(|(met, _)| !met).map(|(_, words)| words).collect()
}
