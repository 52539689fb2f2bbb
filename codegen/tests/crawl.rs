//! What the crawler finds, and what it says about input that is no description.

#![allow(clippy::unwrap_used, clippy::panic)]

use codegen::crawl::{read_apidoc, read_openapi, script_of};

const TREE: &str = r#"[{"path": "/version", "info": {"GET": {"method": "GET"}}, "leaf": 1}]"#;

#[test]
fn the_array_is_found_under_each_name_and_viewer_code_behind_it_is_skipped() {
    let scripts = [
        format!("const apiSchema = {TREE}\n;\nExt.onReady(function() {{ var a = [1]; }});"),
        format!("var apiSchema = {TREE};"),
        format!("/* viewer */ var pveapi = {TREE};\nlet x = {{"),
        format!("apiSchema.length; const apiSchema={TREE}"),
    ];
    for script in scripts {
        let tree = read_apidoc("apidoc.js", &script).unwrap();
        assert_eq!(tree[0]["path"], "/version", "{script}");
    }
}

#[test]
fn input_that_is_no_description_is_named_with_source_and_byte() {
    let cut = format!("const apiSchema = {}", &TREE[..40]);
    let cases = [
        ("", "byte 0: empty"),
        ("  \n", "byte 0: empty"),
        ("<html><body>502 Bad Gateway</body></html>", "byte 0: an HTML page"),
        ("{\"data\": null}", "byte 0: no `apiSchema = [`"),
        ("const apiSchema = [];", "byte 18: the description is an empty list"),
        ("const apiSchema = [{\"path\": oops}]", "byte 28: not JSON"),
        (cut.as_str(), "byte 58: the text ends inside the description"),
    ];
    for (text, expected) in cases {
        let error = read_apidoc("http://pve/apidoc.js", text).unwrap_err().to_string();
        assert!(error.starts_with("http://pve/apidoc.js, "), "{error}");
        assert!(error.contains(expected), "{text:?}: {error}");
        assert!(error.contains("is kept"), "{error}");
    }
}

#[test]
fn a_schema_that_is_no_openapi_document_is_refused() {
    let cases = [
        ("", "byte 0: empty"),
        ("<!doctype html><title>Login</title>", "byte 0: an HTML page"),
        ("{\"openapi\": \"3.0.3\", \"paths\": {", "it was cut off"),
        ("{\n\"openapi\": ?}", "byte 13: not JSON"),
        ("{\"openapi\": \"2.0\", \"paths\": {}}", "no OpenAPI 3 document"),
        ("{\"detail\": \"Invalid token\"}", "no OpenAPI 3 document"),
    ];
    for (text, expected) in cases {
        let error = read_openapi("schema.json", text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
    }
}

#[test]
fn the_viewers_page_names_its_script() {
    let page = r#"<!DOCTYPE html><html><head><title>API</title>
        <script src="ext-all.js"></script><script>var x = "apidoc.js";</script>
        <script type="text/javascript" src="/pve-docs/apidoc.js?ver=9.1"></script></head></html>"#;
    assert_eq!(script_of("page", page).unwrap(), "/pve-docs/apidoc.js?ver=9.1");

    let error = script_of("http://h/", "<html><title>Not found</title></html>").unwrap_err();
    assert!(
        error.to_string().contains("titled \"Not found\" without a script apidoc.js"),
        "{error}"
    );
}
