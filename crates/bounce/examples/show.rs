fn main() {
    for f in std::env::args().skip(1) {
        let r = bounce::read(&std::fs::read(&f).unwrap());
        println!("{}", serde_json::json!({"file": f, "reading": r, "is_bounce": r.is_bounce()}));
    }
}
