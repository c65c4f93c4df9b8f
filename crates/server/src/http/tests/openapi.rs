use std::path::Path;

use super::*;
use crate::http::openapi::document;

/// The document is part of the repository, so that a change of the API shows as a difference.
#[test]
fn the_committed_document_is_the_code_s() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if committed != document() {
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, document()).unwrap();
            return;
        }
        panic!(
            "the API has changed: run `UPDATE_OPENAPI=1 cargo test -p server openapi`, look at the difference of \
             docs/openapi.json, and commit it"
        );
    }
}

#[tokio::test]
async fn it_is_served_to_everybody() {
    let server = Server::start().await;
    let answer = server.ask("GET", "/openapi.json").send().await;
    let document: Value = answer.ok();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
}

#[test]
fn every_operation_says_who_may_call_it_and_how_it_fails() {
    let document: Value = serde_json::from_str(document()).unwrap();
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations += 1;
            let at = format!("{method} {path}");
            assert!(operation["summary"].is_string() || operation["description"].is_string(), "{at}");
            let responses = operation["responses"].as_object().unwrap();
            let security = operation.get("security").unwrap_or(&document["security"]);
            let open = security.as_array().unwrap().iter().any(|one| one.as_object().unwrap().is_empty());
            assert_eq!(open, ["post /session", "get /openapi.json"].contains(&at.as_str()), "{at}");
            let csrf = security.as_array().unwrap().iter().any(|one| one.get("csrf").is_some());
            assert_eq!(csrf, !open && method != "get", "{at}");
            assert!(open || responses.contains_key("401"), "{at}");
            for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
                assert!(response["content"].get(PROBLEM_JSON).is_some(), "{at} {status}");
            }
        }
    }
    assert_eq!(operations, 29);
}
