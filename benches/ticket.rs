//! What a ticket costs: encode and decode, seal and open, at three sizes of its bytes.
//!
//! `cargo bench --bench ticket`

use std::hint::black_box;

use axum_user_session::{
    AuthenticationProperties, KeyRing, Principal,
    testing::codec::{self, Sealer},
    ticket::Ticket,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// A ticket of about this many bytes: eight claims of equal length, a session id, three clients.
fn ticket(bytes: usize) -> Ticket {
    let names = [
        "name",
        "email",
        "role",
        "tenant",
        "locale",
        "department",
        "idp",
        "picture",
    ];
    let value = "x".repeat((bytes - 90) / names.len() - 4);
    let principal = names
        .iter()
        .fold(Principal::builder("alice"), |principal, name| {
            principal.claim(name, &*value)
        });
    let properties = AuthenticationProperties::from_items([
        ("session_id", "0123456789ABCDEF0123456789ABCDEF"),
        // ["client1","client2","client3"]
        ("client_list", "WyJjbGllbnQxIiwiY2xpZW50MiIsImNsaWVudDMiXQ"),
    ]);
    Ticket::new(principal.build(), properties)
}

fn benchmarks(criterion: &mut Criterion) {
    let ring = KeyRing::ephemeral();
    let sealer = Sealer::new(&ring, "bench", "__Host-idsrv");
    for (name, size) in [("0.5 KiB", 512), ("2 KiB", 2048), ("8 KiB", 8192)] {
        let ticket = ticket(size);
        let encoded = codec::encode(&ticket);
        let sealed = sealer.seal(&encoded);
        let mut group = criterion.benchmark_group("ticket");
        group.throughput(Throughput::Bytes(encoded.len() as u64));
        group.bench_function(BenchmarkId::new("encode", name), |bencher| {
            bencher.iter(|| codec::encode(black_box(&ticket)));
        });
        group.bench_function(BenchmarkId::new("decode", name), |bencher| {
            bencher.iter(|| codec::decode(black_box(&encoded)));
        });
        group.bench_function(BenchmarkId::new("seal", name), |bencher| {
            bencher.iter(|| sealer.seal(black_box(&encoded)));
        });
        group.bench_function(BenchmarkId::new("open", name), |bencher| {
            bencher.iter(|| sealer.open(black_box(&sealed)));
        });
        group.bench_function(BenchmarkId::new("open and decode", name), |bencher| {
            bencher.iter(|| sealer.open_ticket(black_box(&sealed)));
        });
    }
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
