//! Files: what is taken, what is left of it, and who sees it.

use actix_web::http::Method;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::harness::{Answer, Caller, JINZHOU, World, text};

const PDF: &[u8] = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n";

pub async fn upload<'a>(world: &World, who: impl Into<Caller<'a>>, bytes: &[u8]) -> Answer {
    let key = format!("key-{}", world.next());
    let request = world.request(Method::POST, who, "/api/v1/attachments").await.insert_header(("Idempotency-Key", key));
    world.send(request.insert_header(("Content-Type", "application/octet-stream")).set_payload(bytes.to_vec())).await
}

fn hash_in(answer: &Value) -> String {
    text(&answer["done"][0]["result"]["sha256"])
}

/// A PNG with a text chunk in it.
fn png(note: &[u8]) -> Vec<u8> {
    let chunk = |name: &[u8; 4], data: &[u8]| {
        let mut bytes = u32::try_from(data.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(data);
        bytes.extend_from_slice(&[0; 4]);
        bytes
    };
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &[0; 13]), chunk(b"tEXt", note), chunk(b"IDAT", b"data"), chunk(b"IEND", b"")].concat()
}

#[actix_web::test]
async fn a_file_is_what_its_content_says_and_is_kept_without_its_metadata() {
    let world = World::new().await;
    let plant = world.unit("大连金州化工有限公司", JINZHOU, &["driver"]).await;
    let hash = hash_in(&upload(&world, &plant.admin, PDF).await.ok());
    assert_eq!(hash, hex::encode(Sha256::digest(PDF)));
    let path = format!("/api/v1/attachments/{hash}");
    let got = world.get(&plant.admin, &path).await;
    assert_eq!((got.status, got.bytes.as_slice(), got.header("content-type")), (200, PDF, "application/pdf"));
    assert_eq!(got.header("content-disposition"), format!("attachment; filename=\"{hash}.pdf\""));
    assert_eq!((got.header("x-content-type-options"), got.header("content-security-policy")), ("nosniff", "default-src 'none'; sandbox"));

    let answer = upload(&world, &plant.admin, &png(b"39.05N 121.78E")).await.ok();
    assert_eq!(answer["done"][0]["result"]["media_type"], "image/png");
    let kept = world.get(&plant.admin, &format!("/api/v1/attachments/{}", hash_in(&answer))).await.bytes;
    assert!(!kept.windows(6).any(|window| window == b"39.05N"));

    for (bytes, status, code) in [
        (&b"MZ\x90\0"[..], 415, "file-kind-not-taken"),
        (b"PK\x03\x04", 415, "file-kind-not-taken"),
        (b"<svg onload=alert(1)>", 415, "file-kind-not-taken"),
        (b"", 422, "file-empty"),
        (b"%PDF-1.7 cut off", 422, "file-broken"),
    ] {
        upload(&world, &plant.admin, bytes).await.refused(status, code);
    }
    upload(&world, &plant.admin, &vec![b' '; 10_485_761]).await.refused(413, "too-large");
    upload(&world, plant.who("driver"), PDF).await.refused(403, "forbidden");
}

#[actix_web::test]
async fn a_large_file_comes_back_whole() {
    let world = World::new().await;
    let plant = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let mut bytes = b"%PDF-1.7\n".to_vec();
    bytes.extend((0..1_000_000_u32).flat_map(u32::to_be_bytes));
    bytes.extend_from_slice(b"\n%%EOF");
    let hash = hash_in(&upload(&world, &plant.admin, &bytes).await.ok());
    let got = world.get(&plant.admin, &format!("/api/v1/attachments/{hash}")).await;
    assert!(got.bytes == bytes);
}

#[actix_web::test]
async fn whoever_knows_a_hash_sees_nothing_by_it() {
    let world = World::new().await;
    let plant = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let other = world.unit("大连开发区电镀厂", JINZHOU, &[]).await;
    let officer = world.authority(JINZHOU).await;
    let hash = hash_in(&upload(&world, &plant.admin, PDF).await.ok());
    let path = format!("/api/v1/attachments/{hash}");
    for stranger in [&other.admin, &officer.admin] {
        world.get(stranger, &path).await.refused(404, "not-found");
    }
    for wrong in [&hash.to_uppercase(), "0", &"0".repeat(64)] {
        world.get(&plant.admin, &format!("/api/v1/attachments/{wrong}")).await.refused(404, "not-found");
    }
    // Who has the same file has it anyway: it is kept once.
    assert_eq!(hash_in(&upload(&world, &other.admin, PDF).await.ok()), hash);
    assert_eq!(world.get(&other.admin, &path).await.status, 200);
    assert_eq!(world.number("SELECT count(*) AS n FROM blobs").await, 1);
}

#[actix_web::test]
async fn a_unit_uploads_no_more_than_its_share_of_a_day() {
    let world = World::new().await;
    let plant = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let file = |n: usize| {
        let mut bytes = b"%PDF-1.7\n".to_vec();
        bytes.extend_from_slice(n.to_string().as_bytes());
        bytes.resize(10_000_000 - 5, b' ');
        bytes.extend_from_slice(b"%%EOF");
        bytes
    };
    for n in 0..20 {
        upload(&world, &plant.admin, &file(n)).await.ok();
    }
    let refused = upload(&world, &plant.admin, &file(20)).await;
    assert_eq!(refused.header("retry-after"), "3600");
    refused.refused(429, "upload-quota-used");
    world.clock.advance(chrono::Duration::hours(24));
    upload(&world, &plant.admin, &file(20)).await.ok();
}
