//! The token that the webmail's plugin signs for a user, as its PHP does.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A key that webmail and server share.
#[derive(Clone)]
pub struct Key {
    /// The token's `kid`.
    pub id: String,
    /// The secret.
    pub secret: Vec<u8>,
    /// The server's name: the token's `aud`.
    pub audience: String,
}

impl Key {
    /// A fresh token for a user, with ten minutes to live, the most that the server takes.
    pub fn token(&self, address: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        self.sign(&json!({
            "iss": "roundcube", "sub": address, "aud": self.audience, "iat": now, "exp": now + 600,
        }))
    }

    /// A token with these claims (JWT, HS256).
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "HS256", "typ": "JWT", "kid": self.id});
        let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encoded(&header), encoded(claims));
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.secret);
        let tag = hmac::sign(&key, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
    }
}
