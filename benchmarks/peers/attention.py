#!/usr/bin/env python3
"""Times torch.nn.functional.scaled_dot_product_attention on the cases of benchmarks/bench_attention.cpp.

    python3 benchmarks/peers/attention.py --threads 2 [case ...]

Cases have that program's names: forward/batch:../heads:../... Times are medians.
"""
from timing import arguments, median_ms

options = arguments(__doc__)
import torch  # noqa: E402, after the arguments, which say so if it is not there
import torch.nn.functional as F  # noqa: E402

CASES = [(1, 8, n, 64, causal) for causal in (False, True) for n in (64, 128, 256, 512, 1024, 2048, 8192)]
CASES += [(64, 4, n, 32, False) for n in (16, 32, 64)] + [(16, 8, 32, 64, False)]


for backward in (False, True):
    for batch, heads, n, width, causal in CASES:
        name = (f"{'forward_backward' if backward else 'forward'}/batch:{batch}/heads:{heads}/len:{n}/width:{width}"
                f"/causal:{int(causal)}")
        if not options.wants(name):
            continue
        q, k, v = (torch.randn(batch, heads, n, width, requires_grad=backward) for _ in range(3))
        d_o = torch.randn(batch, heads, n, width)

        def step():
            o = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
            if backward:
                torch.autograd.grad(o, (q, k, v), d_o)

        with torch.set_grad_enabled(backward):
            ms = median_ms(step, options.seconds)
        flop = 2 * batch * heads * n * n * width * (7 if backward else 2) / (2 if causal else 1)
        print(f"attention/{name} {ms:.4f} ms {flop / ms * 1e-6:8.2f} GFLOP/s", flush=True)
