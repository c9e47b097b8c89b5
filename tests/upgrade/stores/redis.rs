use axum_user_session::store::{RedisOptions, RedisStore};
use redis::Cmd;

use super::{
    Place,
    redis_text::{line_of, words},
};
use crate::servers::Redis;

/// A server of its own.
pub(crate) struct RedisPlace {
    server: Redis,
    store: RedisStore,
}

impl RedisPlace {
    async fn open(content: &str) -> Self {
        let server = Redis::start();
        let mut raw = behind(&server);
        for line in content.lines() {
            let mut command = Cmd::new();
            for word in words(line) {
                command.arg(word);
            }
            command.exec(&mut raw).unwrap();
        }
        let store = RedisOptions::new().connect(server.url()).await.unwrap();
        Self { server, store }
    }
}

impl Place for RedisPlace {
    type Store = RedisStore;
    const NAME: &'static str = "redis";
    const ENDING: &'static str = "txt";

    async fn empty() -> Self {
        Self::open("").await
    }

    async fn load(text: &str) -> Self {
        Self::open(text).await
    }

    fn store(&self) -> RedisStore {
        self.store.clone()
    }

    /// The commands that make all keys again, as `redis-cli` takes them.
    async fn text(&self) -> String {
        let mut raw = behind(&self.server);
        let mut keys: Vec<Vec<u8>> = redis::cmd("KEYS").arg("*").query(&mut raw).unwrap();
        keys.sort();
        let mut text = String::new();
        for key in keys {
            let mut line = |words: Vec<Vec<u8>>| text.push_str(&line_of(&words));
            let command = |name: &str| vec![name.as_bytes().to_vec(), key.clone()];
            let kind: String = redis::cmd("TYPE").arg(&key).query(&mut raw).unwrap();
            match &*kind {
                "string" => {
                    let value = redis::cmd("GET").arg(&key).query(&mut raw).unwrap();
                    line([command("SET"), vec![value]].concat());
                }
                "hash" => {
                    let fields: Vec<Vec<u8>> =
                        redis::cmd("HGETALL").arg(&key).query(&mut raw).unwrap();
                    let mut fields: Vec<_> = fields.chunks(2).collect();
                    fields.sort();
                    fields
                        .into_iter()
                        .for_each(|field| line([&command("HSET"), field].concat()));
                }
                "zset" => {
                    let mut all = redis::cmd("ZRANGE");
                    all.arg(&key).arg(0).arg(-1).arg("WITHSCORES");
                    let members: Vec<Vec<u8>> = all.query(&mut raw).unwrap();
                    for member in members.chunks(2) {
                        let member = [member[1].clone(), member[0].clone()];
                        line([&command("ZADD"), &member[..]].concat());
                    }
                }
                other => panic!("a key that is a {other}"),
            }
            let millis: i64 = redis::cmd("PTTL").arg(&key).query(&mut raw).unwrap();
            if millis >= 0 {
                // By the server's clock, which no fixture sets.
                line([command("PEXPIRE"), vec![b"60000".to_vec()]].concat());
            }
        }
        text
    }
}

fn behind(server: &Redis) -> redis::Connection {
    let client = redis::Client::open(server.url()).unwrap();
    client.get_connection().unwrap()
}

super::upgrade_tests!(RedisPlace, #[ignore = "needs Redis: bash tests/run.sh"]);
