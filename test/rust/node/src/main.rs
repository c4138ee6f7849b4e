//! A whole validator (Agave's own, patched) and a load of QUIC clients, driven by lines on standard input:
//!
//!   load NAME KIND RATE SECONDS SENDERS PRICE     KIND: good, bad or large; waits for nothing, loads may overlap
//!   count                                         answers what each load has sent and landed
//!
//! Ends when its input ends. Prints JSON lines: `ready`, `loaded` (a load has ended), `counts`, and the bridge's log.
//!
//!   node LEDGER_FOLDER FIRST_PORT

mod transactions;

use bytes::Bytes;
use quinn::{crypto::rustls::QuicClientConfig, ClientConfig, Connection, Endpoint, IdleTimeout, TransportConfig};
use solana_account::AccountSharedData;
use solana_keypair::{keypair_from_seed, Keypair};
use solana_pubkey::Pubkey;
use solana_runtime::bank_forks::BankForks;
use solana_signer::Signer;
use solana_test_validator::{TestValidator, TestValidatorGenesis};
use solana_tls_utils::{tls_client_config_builder, QuicClientCertificate};
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        atomic::{AtomicU64, Ordering::Relaxed},
        Arc, RwLock,
    },
    time::{Duration, Instant},
};
use transactions::{transfer, Kind};

/// Senders of all loads: each an address, an identity with stake, and a payer of its own.
const SENDERS_MAX: usize = 64;
const SOL: u64 = 1_000_000_000;
const INITIAL: u64 = SOL;

struct Log;

impl log::Log for Log {
    fn enabled(&self, metadata: &log::Metadata) -> bool {
        metadata.target().contains("qos_bridge")
    }
    fn log(&self, record: &log::Record) {
        if self.enabled(record.metadata()) {
            println!("{{\"event\":\"log\",\"level\":\"{}\",\"text\":{:?}}}", record.level(), format!("{}", record.args()));
        }
    }
    fn flush(&self) {}
}

struct Load {
    sent: AtomicU64,
    /// Where its transfers go: an account for each sender.
    to: Vec<Pubkey>,
}

fn key(kind: u8, index: usize) -> Keypair {
    let mut seed = [kind; 32];
    seed[..8].copy_from_slice(&(index as u64).to_le_bytes());
    keypair_from_seed(&seed).unwrap()
}

/// The account that a sender's transfers of a load go to. There are eight for each.
fn target(load: usize, sender: usize) -> Pubkey {
    key(3, (load % 8) * SENDERS_MAX + sender).pubkey()
}

fn balance(forks: &RwLock<BankForks>, account: &Pubkey) -> u64 {
    let bank = forks.read().unwrap().working_bank();
    bank.get_balance(account)
}

async fn connect(sender: usize, tpu: SocketAddr) -> (Endpoint, Connection) {
    let certificate = QuicClientCertificate::new(Some(&key(1, sender)));
    let mut crypto = tls_client_config_builder()
        .with_client_auth_cert(vec![certificate.certificate.clone()], certificate.key.clone_key())
        .unwrap();
    crypto.alpn_protocols = vec![b"solana-tpu".to_vec()];
    let mut transport = TransportConfig::default();
    transport.max_idle_timeout(Some(IdleTimeout::try_from(Duration::from_secs(30)).unwrap()));
    transport.keep_alive_interval(Some(Duration::from_secs(1)));
    let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(crypto).unwrap()));
    config.transport_config(Arc::new(transport));
    let address = SocketAddr::from((Ipv4Addr::new(127, 0, 1, 1 + sender as u8), 0));
    let mut endpoint = Endpoint::client(address).unwrap();
    endpoint.set_default_client_config(config);
    for _ in 0..20 {
        if let Ok(connection) = endpoint.connect(tpu, "server").unwrap().await {
            return (endpoint, connection);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("sender {sender} cannot connect");
}

#[derive(Clone, Copy)]
struct Plan {
    kind: Kind,
    rate: f64,
    seconds: f64,
    price: u64,
    senders: usize,
    load: usize,
}

async fn send(plan: Plan, sender: usize, tpu: SocketAddr, forks: Arc<RwLock<BankForks>>, load: Arc<Load>) {
    let (endpoint, connection) = connect(sender, tpu).await;
    let payer = key(2, sender);
    let (mut made, mut hash_at, mut blockhash) = (0u32, None::<Instant>, [0; 32]);
    let start = Instant::now();
    let rate = plan.rate / plan.senders as f64;
    let total = (plan.rate * plan.seconds) as u32 / plan.senders as u32;
    while made < total {
        let now = Instant::now();
        if hash_at.map_or(true, |at| now.duration_since(at) > Duration::from_secs(2)) {
            blockhash = forks.read().unwrap().working_bank().last_blockhash().to_bytes();
            hash_at = Some(now);
        }
        let due = ((now.duration_since(start).as_secs_f64() * rate) as u32).min(total);
        while made < due {
            let number = (plan.load as u32 * 100_000 + made) % 1_000_000;
            let bytes = transfer(plan.kind, &payer, &load.to[sender], &blockhash, plan.price, number);
            let mut stream = connection.open_uni().await.expect("the validator closed the connection");
            stream.write_chunk(Bytes::from(bytes)).await.unwrap();
            stream.finish().unwrap();
            made += 1;
            load.sent.fetch_add(1, Relaxed);
        }
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    connection.close(0u32.into(), b"");
    endpoint.wait_idle().await;
}

fn counts(loads: &BTreeMap<String, Arc<Load>>, forks: &RwLock<BankForks>) -> String {
    let rows = loads.iter().map(|(name, load)| {
        let landed: u64 = load.to.iter().map(|to| balance(forks, to) - INITIAL).sum();
        format!("\"{name}\":{{\"sent\":{},\"landed\":{landed}}}", load.sent.load(Relaxed))
    });
    rows.collect::<Vec<_>>().join(",")
}

fn start_validator(ledger: &str, first_port: u16) -> TestValidator {
    let mut genesis = TestValidatorGenesis::default();
    genesis.ledger_path(ledger).rpc_port(first_port).gossip_port(first_port + 2).port_range((first_port + 3, first_port + 90));
    let account = |lamports| AccountSharedData::new(lamports, 0, &solana_sdk_ids::system_program::id());
    for sender in 0..SENDERS_MAX {
        genesis.add_account(key(2, sender).pubkey(), account(100_000 * SOL));
        for load in 0..8 {
            genesis.add_account(target(load, sender), account(INITIAL));
        }
        genesis.staked_nodes_overrides.write().unwrap().insert(key(1, sender).pubkey(), 10_000 * SOL);
    }
    genesis.start().0
}

fn main() {
    log::set_logger(&Log).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    let words: Vec<String> = std::env::args().collect();
    let start = Instant::now();
    let validator = start_validator(&words[1], words[2].parse().expect("FIRST_PORT"));
    println!("{{\"event\":\"ready\",\"bootMs\":{}}}", start.elapsed().as_millis());
    let (tpu, forks) = (*validator.tpu_quic(), validator.bank_forks());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut loads: BTreeMap<String, Arc<Load>> = BTreeMap::new();
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["load", name, kind, rate, seconds, senders, price] => {
                let number = |text: &str| text.parse::<f64>().expect("a number");
                let plan = Plan {
                    kind: match kind {
                        "good" => Kind::Good,
                        "bad" => Kind::Bad,
                        "large" => Kind::Large,
                        _ => panic!("unknown kind {kind}"),
                    },
                    rate: number(rate),
                    seconds: number(seconds),
                    price: number(price) as u64,
                    senders: number(senders) as usize,
                    load: loads.len(),
                };
                // Loads that run together use senders of their own.
                let first = (plan.load * 21) % (SENDERS_MAX - plan.senders + 1);
                let to = (0..SENDERS_MAX).map(|sender| target(plan.load, sender)).collect();
                let load = Arc::new(Load { sent: AtomicU64::new(0), to });
                loads.insert(name.to_string(), load.clone());
                let name = name.to_string();
                let forks = forks.clone();
                runtime.spawn(async move {
                    let senders = (first..first + plan.senders)
                        .map(|sender| tokio::spawn(send(plan, sender, tpu, forks.clone(), load.clone())));
                    for one in senders.collect::<Vec<_>>() {
                        one.await.unwrap();
                    }
                    println!("{{\"event\":\"loaded\",\"name\":\"{name}\",\"sent\":{}}}", load.sent.load(Relaxed));
                });
            }
            ["count"] => println!("{{\"event\":\"counts\",\"loads\":{{{}}}}}", counts(&loads, &forks)),
            _ => println!("{{\"event\":\"unknown\",\"line\":{line:?}}}"),
        }
    }
    // The ledger is thrown away: nothing that a graceful end of the validator would save is needed.
    println!("{{\"event\":\"end\",\"loads\":{{{}}}}}", counts(&loads, &forks));
    std::process::exit(0);
}
