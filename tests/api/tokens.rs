//! Access tokens: exactly ours, in force now, or 401.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::Duration;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};

use crate::harness::{JINZHOU, World};

fn part(value: &Value) -> String {
    BASE64.encode(value.to_string())
}

/// Header, claims and a signature over them.
fn token(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let text = format!("{}.{}", part(header), part(claims));
    let signature = BASE64.encode(sign(text.as_bytes()));
    format!("{text}.{signature}")
}

fn with(value: &Value, name: &str, member: Value) -> Value {
    let mut value = value.clone();
    value[name] = member;
    value
}

fn without(value: &Value, name: &str) -> Value {
    let mut value = value.clone();
    value.as_object_mut().unwrap().remove(name);
    value
}

#[actix_web::test]
async fn only_a_token_that_is_exactly_ours_is_taken() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    let real = world.token(&unit.admin).await;
    let mut parts = real.split('.');
    let mut decoded = || serde_json::from_slice::<Value>(&BASE64.decode(parts.next().unwrap()).unwrap()).unwrap();
    let (header, claims) = (decoded(), decoded());
    let now = world.clock.now().timestamp();
    let key = &world.app.keys.token;
    let ours = |text: &[u8]| key.sign(text).to_vec();
    let other_key = SigningKey::from_bytes(&[7; 32]);
    let public = key.public();
    let hmac = |header: &Value| {
        let text = format!("{}.{}", part(header), part(&claims));
        let secret = jsonwebtoken::EncodingKey::from_secret(public.as_bytes());
        format!("{text}.{}", jsonwebtoken::crypto::sign(text.as_bytes(), &secret, jsonwebtoken::Algorithm::HS256).unwrap())
    };

    // The control: a token made here in the same way is taken, up to its last second.
    for good in [claims.clone(), with(&claims, "exp", json!(now + 1)), with(&claims, "nbf", json!(now))] {
        world.get(&token(&header, &good, ours), "/api/v1/me").await.ok();
    }

    let none = with(&header, "alg", json!("none"));
    let hs256 = with(&header, "alg", json!("HS256"));
    let mut forged = vec![
        ("nothing", String::new()),
        ("no token at all", "Bearer".to_owned()),
        ("two parts", real.rsplit_once('.').unwrap().0.to_owned()),
        ("no signature", format!("{}.", real.rsplit_once('.').unwrap().0)),
        ("alg none", token(&none, &claims, |_| Vec::new())),
        ("alg None", token(&with(&header, "alg", json!("None")), &claims, |_| Vec::new())),
        ("alg none, signed", token(&none, &claims, ours)),
        ("HS256 with the public key", hmac(&hs256)),
        ("HS256, our signature", token(&hs256, &claims, ours)),
        ("alg RS256", token(&with(&header, "alg", json!("RS256")), &claims, ours)),
        ("no alg", token(&without(&header, "alg"), &claims, ours)),
        ("no kid", token(&without(&header, "kid"), &claims, ours)),
        ("another kid", token(&with(&header, "kid", json!("0011223344556677")), &claims, ours)),
        ("kid as a path", token(&with(&header, "kid", json!("../../../../dev/null")), &claims, ours)),
        ("kid as SQL", token(&with(&header, "kid", json!("x' UNION SELECT 'a")), &claims, ours)),
        ("the proof key's kid and signature", {
            let proof = &world.app.keys.proof;
            token(&with(&header, "kid", json!(proof.kid)), &claims, |text| proof.sign(text).to_vec())
        }),
        ("another key", token(&header, &claims, |text| other_key.sign(text).to_bytes().to_vec())),
        ("jku", token(&with(&header, "jku", json!("https://evil.example/keys")), &claims, ours)),
        ("jwk", {
            let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": BASE64.encode(other_key.verifying_key().as_bytes()) });
            token(&with(&header, "jwk", jwk), &claims, |text| other_key.sign(text).to_bytes().to_vec())
        }),
        ("crit", token(&with(&with(&header, "crit", json!(["exp2"])), "exp2", json!(1)), &claims, ours)),
        ("no typ", token(&without(&header, "typ"), &claims, ours)),
        ("typ JWT", token(&with(&header, "typ", json!("JWT")), &claims, ours)),
        ("expired this second", token(&header, &with(&claims, "exp", json!(now)), ours)),
        ("expired a second ago", token(&header, &with(&claims, "exp", json!(now - 1)), ours)),
        ("exp as text", token(&header, &with(&claims, "exp", json!((now + 60).to_string())), ours)),
        ("exp as a fraction", token(&header, &with(&claims, "exp", json!(1e300)), ours)),
        ("not before the next second", token(&header, &with(&claims, "nbf", json!(now + 1)), ours)),
        ("another issuer", token(&header, &with(&claims, "iss", json!("evil")), ours)),
        ("another audience", token(&header, &with(&claims, "aud", json!("other-api")), ours)),
        ("several audiences", token(&header, &with(&claims, "aud", json!(["liandan-api", "other-api"])), ours)),
        ("an unknown claim", token(&header, &with(&claims, "admin", json!(true)), ours)),
        ("no such session", token(&header, &with(&claims, "sid", json!(world.clock.new_id())), ours)),
        ("another's membership", {
            let other = world.unverified_unit("大连开发区电镀厂", JINZHOU).await;
            token(&header, &with(&claims, "mid", json!(other.admin.membership)), ours)
        }),
        ("claims changed after signing", {
            let signature = real.rsplit('.').next().unwrap();
            format!("{}.{}.{signature}", part(&header), part(&with(&claims, "exp", json!(now + 9_000))))
        }),
        ("longer than any of ours", "a".repeat(2_001)),
    ];
    for claim in ["aud", "iss", "exp", "nbf", "sub", "iat", "sid", "method"] {
        forged.push((claim, token(&header, &without(&claims, claim), ours)));
    }
    for (name, token) in forged {
        let answer = world.get(&token, "/api/v1/me").await;
        assert_eq!(answer.status, 401, "{name}: {}", answer.json);
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{name}");
        answer.refused(401, "unauthenticated");
    }
}

#[actix_web::test]
async fn a_token_ends_with_its_last_second() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    let token = world.token(&unit.admin).await;
    world.clock.advance(Duration::minutes(15) - Duration::seconds(1));
    world.get(&token, "/api/v1/me").await.ok();
    world.clock.advance(Duration::seconds(1));
    world.get(&token, "/api/v1/me").await.refused(401, "unauthenticated");
}

#[actix_web::test]
async fn a_stranger_sees_401_before_anything_else() {
    let world = World::new().await;
    for (path, body) in [("/api/v1/users", json!({ "nonsense": 1 })), ("/api/v1/no/such/thing", json!({}))] {
        world.post((), path, body).await.refused(401, "unauthenticated");
    }
    world.get((), "/api/v1/units/not-an-id").await.refused(401, "unauthenticated");
}
