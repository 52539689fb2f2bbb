//! NetBox's API tokens as `Authorization` headers.

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// The header for a token: v2 tokens are `nbt_<key>.<secret>`, all others are v1.
pub(crate) fn authorization(token: &SecretString) -> Result<HeaderValue, String> {
    let text = token.expose_secret().trim();
    if text.is_empty() {
        return Err("the token is empty; NetBox shows it once, when it is created".to_owned());
    }
    let keyword = if text.starts_with("nbt_") { "Bearer" } else { "Token" };
    let mut header = HeaderValue::try_from(format!("{keyword} {text}"))
        .map_err(|_| "the token holds characters that no token has".to_owned())?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keyword_follows_the_tokens_version_and_the_header_never_shows() {
        for (token, sent) in
            [("0123456789abcdef0123456789abcdef01234567", "Token "), ("nbt_key.secret", "Bearer ")]
        {
            let header = authorization(&SecretString::from(token)).unwrap();
            assert_eq!(header.to_str().unwrap(), format!("{sent}{token}"));
            assert!(!format!("{header:?}").contains(token));
        }
    }

    #[test]
    fn a_token_that_cannot_be_sent_is_refused_without_being_shown() {
        for token in ["", "  ", "abc\ndef"] {
            let message = authorization(&SecretString::from(token)).unwrap_err();
            assert!(!message.contains("abc"), "{message}");
        }
    }
}
