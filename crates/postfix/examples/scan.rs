use postfix::log::*;
#[derive(Default)]
struct S([u64; 4]);
impl Sink for S {
    fn event(&mut self, e: &Event<'_>) {
        match e {
            Event::Delivery(d) => self.0[d.status as usize] += 1,
            _ => self.0[3] += 1,
        }
    }
    fn fork(&self) -> Self {
        S::default()
    }
    fn join(&mut self, o: Self) {
        for i in 0..4 {
            self.0[i] += o.0[i]
        }
    }
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let mut s = S::default();
    let o = Options {
        zone: postfix::Zone::Process,
        now: 0,
        window: None,
        wanted: Wanted::default(),
        threads: a[2].parse().unwrap(),
        progress: &|_| (),
    };
    let t = std::time::Instant::now();
    let r = read_file(a[1].as_ref(), &o, &mut s).unwrap();
    println!("{:?} {:?} {}", s.0, t.elapsed(), r.read);
}
