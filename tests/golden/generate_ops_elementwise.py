#!/usr/bin/env python3
"""Writes ops_elementwise.safetensors: element-wise maths, comparisons and reductions from PyTorch.

    python3 tests/golden/generate_ops_elementwise.py           # needs torch 2.13 and safetensors

cases.py says how a case is filed. Cases that are compared bit by bit, in several element types, are filed under
OP_DTYPE, such as remainder_int64.
"""

import math
import warnings

import torch
import torch.nn.functional as F

from cases import case, flags, integers, positive, randn, write

nan, inf = math.nan, math.inf
SPECIAL = torch.tensor([nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, -7.0, 30.0, -30.0],
                       dtype=torch.float64)
NAMES = {torch.int64: "int64", torch.int32: "int32", torch.uint8: "uint8", torch.bool: "bool",
         torch.float64: "float64", torch.bfloat16: "bfloat16"}
INTEGERS = (torch.int64, torch.int32, torch.uint8)


def between(low, high, *shape):
    return torch.rand(shape, generator=torch.default_generator) * (high - low) + low


def exact(op, f, **inputs):
    case(f"{op}_{NAMES[next(iter(inputs.values())).dtype]}", f, inputs)


def unary():
    torch.manual_seed(5)
    anywhere = dict(sin=torch.sin, cos=torch.cos, tan=torch.tan, atan=torch.atan, sinh=torch.sinh, cosh=torch.cosh,
                    asinh=torch.asinh, exp2=torch.exp2, expm1=torch.expm1, erfc=torch.erfc, square=torch.square,
                    floor=torch.floor, ceil=torch.ceil, trunc=torch.trunc, round=torch.round, frac=torch.frac,
                    sign=torch.sign, silu=F.silu, softplus=F.softplus, log_sigmoid=F.logsigmoid,
                    leaky_relu=F.leaky_relu, elu=F.elu, hardtanh=F.hardtanh, nan_to_num=torch.nan_to_num)
    for name, f in anywhere.items():
        case(name, lambda x: f(x), dict(x=randn(2, 7)))
        if name == "nan_to_num":  # the largest number is another one in float
            case(name, lambda x: f(x, 3, 4, -5), dict(x=SPECIAL), nan=3.0, posinf=4.0, neginf=-5.0)
        elif name in ("sinh", "cosh", "exp2", "expm1", "tan"):  # no large ones, whose values differ much in float
            case(name, lambda x: f(x), dict(x=SPECIAL[:12]))
        elif name == "hardtanh":  # whose gradient at NaN depends on how many elements there are
            case(name, lambda x: f(x), dict(x=SPECIAL[1:]))
        else:
            case(name, lambda x: f(x), dict(x=SPECIAL))
    unit = torch.tensor([-1.0, 1.0, 0.0, -0.0, 1.5, -2.0, nan, inf])
    for name, f in dict(asin=torch.asin, acos=torch.acos, atanh=torch.atanh).items():
        case(name, lambda x: f(x), dict(x=between(-0.95, 0.95, 2, 7)))
        case(name, lambda x: f(x), dict(x=unit))
    case("erfinv", lambda x: x.erfinv(), dict(x=between(-0.95, 0.95, 2, 7)))
    case("erfinv", lambda x: x.erfinv(), dict(x=torch.tensor([0.0, 0.5, -0.5, 1e-6, 0.875, 0.984375, -0.984375])))
    exact("erfinv_edges", lambda x: x.erfinv(), x=unit)
    for name, f in dict(log2=torch.log2, log10=torch.log10, log1p=torch.log1p, rsqrt=torch.rsqrt,
                        reciprocal=torch.reciprocal).items():
        case(name, lambda x: f(x), dict(x=positive(2, 7) + 0.1))
        case(name, lambda x: f(x), dict(x=SPECIAL))
    case("acosh", lambda x: x.acosh(), dict(x=positive(2, 7) + 1.1))
    case("acosh", lambda x: x.acosh(), dict(x=SPECIAL))
    case("logit", lambda x: x.logit(), dict(x=between(0.05, 0.95, 2, 7)))
    case("logit", lambda x: x.logit(), dict(x=unit[[0, 1, 2, 4, 5, 6, 7]]))
    case("logit", lambda x: x.logit(0.25), dict(x=torch.tensor([0.0, 0.125, 0.25, 0.5, 0.75, 0.9375, 1.0])), eps=0.25)
    case("softplus_options", lambda x: F.softplus(x, 2.0, 5.0), dict(x=torch.tensor([-3.0, 0.0, 2.25, 2.5, 2.75, 60.0])),
         beta=2.0, threshold=5.0)
    case("elu", lambda x: F.elu(x, 0.5), dict(x=randn(5)), alpha=0.5)
    case("leaky_relu", lambda x: F.leaky_relu(x, 0.25), dict(x=randn(5)), slope=0.25)
    case("round_decimals", lambda x: x.round(decimals=2), dict(x=torch.tensor([1.235, 0.125, -0.375, 12.3456, nan, inf])),
         decimals=2)
    case("round_decimals", lambda x: x.round(decimals=-1), dict(x=torch.tensor([15.0, 25.0, -14.0, 126.0])), decimals=-1)
    for p in (0.0, 1.0, 2.0, 3.0, -1.0, 0.5):
        case("pow_special", lambda x: x.pow(p), dict(x=SPECIAL[:12]), exponent=p)
    for base in (2.0, 0.0, 0.5):
        case("pow_of_number", lambda x: torch.pow(base, x), dict(x=SPECIAL[:12]), base=base)
    ties = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, -0.0, 0.0, 4503599627370497.5, 1e300, nan, inf, -inf, -0.25])
    for name in ("floor", "ceil", "trunc", "round", "sign", "abs"):
        exact(name, lambda x: getattr(torch, name)(x), x=ties)


def binary():
    a, b = SPECIAL.unsqueeze(1), SPECIAL
    shapes = [((2, 3), (2, 3)), ((3, 1), (4,)), ((), (2, 2)), ((0, 3), (1,))]
    functions = dict(maximum=torch.maximum, minimum=torch.minimum, fmax=torch.fmax, fmin=torch.fmin, fmod=torch.fmod,
                     remainder=torch.remainder, floor_divide=lambda a, b: torch.div(a, b, rounding_mode="floor"),
                     trunc_divide=lambda a, b: torch.div(a, b, rounding_mode="trunc"), atan2=torch.atan2,
                     hypot=torch.hypot, logaddexp=torch.logaddexp)
    for name, f in functions.items():
        for p, q in shapes:
            case(name, lambda a, b: f(a, b), dict(a=randn(*p), b=randn(*q)))
        case(name, lambda a, b: f(a, b), dict(a=a.clone(), b=b))
        if name not in ("atan2", "hypot", "logaddexp"):
            exact(name, lambda a, b: f(a, b), a=a, b=b)
    base, exponent = SPECIAL[:12].unsqueeze(1).clone(), SPECIAL[:12]
    case("pow_tensors", lambda a, b: a.pow(b), dict(a=base, b=exponent))
    case("pow_tensors", lambda a, b: a.pow(b), dict(a=positive(3, 1), b=randn(4)))
    for w in (0.0, 0.25, 0.75, 1.0, -0.5, 2.0):
        case("lerp", lambda a, b: torch.lerp(a, b, w), dict(a=randn(3, 1), b=randn(4)), weight=w)
    case("lerp_tensor", lambda a, b, weight: torch.lerp(a, b, weight), dict(a=randn(3, 4), b=randn(3, 4), weight=randn(3, 4)))
    case("addcmul", lambda x, a, b: torch.addcmul(x, a, b, value=0.5), dict(x=randn(2, 3), a=randn(3), b=randn(2, 1)), value=0.5)
    case("addcdiv", lambda x, a, b: torch.addcdiv(x, a, b, value=-2.0), dict(x=randn(2, 3), a=randn(3), b=positive(2, 1)), value=-2.0)
    for low, high in ((-1.0, 0.5), (0.5, -1.0), (nan, 1.0)):
        case("clamp_special", lambda x: x.clamp(low, high), dict(x=SPECIAL), low=low, high=high)
    case("clamp_min", lambda x: x.clamp(min=0.5), dict(x=SPECIAL), low=0.5)
    case("clamp_max", lambda x: x.clamp(max=0.5), dict(x=SPECIAL), high=0.5)
    case("clamp_tensors", lambda x, low, high: x.clamp(low, high),
         dict(x=SPECIAL[1:].unsqueeze(1), low=torch.tensor([0.5, -2.0, 3.0]), high=torch.tensor([1.0, 2.5, -1.0])))
    for equal_nan in (0, 1):
        case("isclose", lambda a, b: torch.isclose(a, b, equal_nan=bool(equal_nan)),
             dict(a=torch.cat([SPECIAL, torch.tensor([1.00001, 1.00002, 1e-9, 3.0])]).unsqueeze(1),
                  b=torch.cat([SPECIAL, torch.tensor([1e-9])])), equal_nan=equal_nan)
    for name in ("isnan", "isinf", "isfinite", "logical_not"):
        exact(name, lambda x: getattr(torch, name)(x), x=SPECIAL)


def whole():
    torch.manual_seed(6)
    compare = dict(eq=torch.eq, ne=torch.ne, lt=torch.lt, le=torch.le, gt=torch.gt, ge=torch.ge,
                   logical_and=torch.logical_and, logical_or=torch.logical_or, logical_xor=torch.logical_xor)
    everything = dict(a=SPECIAL.unsqueeze(1), b=SPECIAL)
    for name, f in compare.items():
        exact(name, lambda a, b: f(a, b), **everything)
        exact(name, lambda a, b: f(a, b), **{k: v.bfloat16() for k, v in everything.items()})
        exact(name, lambda a, b: f(a, b), a=flags(2, 1, 5), b=flags(3, 1))
    arithmetic = dict(add=torch.add, sub=torch.sub, mul=torch.mul, maximum=torch.maximum, minimum=torch.minimum,
                      bitwise_and=torch.bitwise_and, bitwise_or=torch.bitwise_or, bitwise_xor=torch.bitwise_xor)
    division = dict(floor_divide=torch.floor_divide, remainder=torch.remainder, fmod=torch.fmod,
                    trunc_divide=lambda a, b: torch.div(a, b, rounding_mode="trunc"))
    for dtype in INTEGERS:
        info = torch.iinfo(dtype)
        values = torch.tensor([0, 1, 2, 3, 7, 100, info.max, info.max - 1, info.min, info.min + 1]
                              + ([-1, -2, -3, -7, -100] if info.min < 0 else [200, 255]), dtype=dtype)
        divided = values[values != info.min] if info.min < 0 else values  # the smallest one over -1 kills PyTorch
        divisors = values[values != 0]
        for name, f in (compare | arithmetic).items():
            exact(name, lambda a, b: f(a, b), a=values.unsqueeze(1), b=values)
        for name, f in division.items():
            exact(name, lambda a, b: f(a, b), a=divided.unsqueeze(1), b=divisors)
        for name in ("abs", "sign", "neg", "square", "bitwise_not", "logical_not", "floor", "isfinite", "isinf", "isnan"):
            exact(name, lambda x: getattr(torch, name)(x), x=values)
        exact("clamp", lambda x: x.clamp(2, 90), x=values)
        exact("cube", lambda x: x.pow(3), x=values)
        exact("isclose", lambda a, b: torch.isclose(a, b), a=values.unsqueeze(1), b=values)
        x = torch.randint(0, 50, (3, 4, 5), generator=torch.default_generator).to(dtype)
        for name in ("sum", "prod", "amax", "amin", "any", "all", "count_nonzero"):
            f = getattr(torch, name)
            exact(name + "_axis", lambda x: f(x, dim=1), x=x)
            exact(name, lambda x: f(x), x=values)
        exact("argmax", lambda x: x.argmax(-1), x=x)
        exact("argmin", lambda x: x.argmin(), x=x)
        exact("max_axis", lambda x: x.max(0).values, x=x)
        exact("cumsum", lambda x: x.cumsum(1), x=x)
        exact("cumprod", lambda x: x.cumprod(1), x=x)
        exact("cummax", lambda x: x.cummax(1).indices, x=x)
        exact("median", lambda x: x.median(1).values, x=x)
    x = flags(3, 4, 5)
    x[1] = False
    x[2, 1] = True
    for name in ("sum", "amax", "amin", "any", "all", "prod", "count_nonzero"):
        f = getattr(torch, name)
        exact(name + "_axis", lambda x: f(x, dim=1), x=x)
        exact(name, lambda x: f(x), x=x)
    for name in ("add", "mul", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor"):
        exact(name, lambda a, b: getattr(torch, name)(a, b), a=flags(2, 1, 5), b=flags(3, 1))
    exact("bitwise_not", lambda x: ~x, x=flags(9))
    exact("logical_not", lambda x: torch.logical_not(x), x=flags(9))
    exact("argmax", lambda x: x.int().argmax(-1), x=x)
    exact("cumsum", lambda x: x.cumsum(1), x=x)
    exact("cummax", lambda x: x.cummax(1).indices, x=x)
    for target in (torch.int64, torch.int32, torch.uint8, torch.bool, torch.bfloat16):
        source = SPECIAL if target in (torch.bool, torch.bfloat16) else SPECIAL[3:] * 10.1
        exact(f"cast_to_{NAMES[target]}", lambda x: x.to(target), x=source)
        exact(f"cast_to_{NAMES[target]}", lambda x: x.to(target), x=torch.tensor([0, 1, -1, 300, 65537, -(2**40)]))
    exact("cast_to_float64", lambda x: x.double(), x=torch.tensor([0, 1, -1, 2**53 + 1]))
    exact("cast_to_float64", lambda x: x.double(), x=flags(5))
    exact("cast_to_float64", lambda x: x.double(), x=SPECIAL.bfloat16())


def options_of(axis, keepdim):
    named = {} if axis is None else dict(axis=list(axis) if isinstance(axis, tuple) else [axis])
    return named | dict(keepdim=keepdim)


def reduce_cases(name, f, inputs, axes=(None, 0, -1, (0, 2), (0, 1, 2))):
    for x in inputs:
        for axis in axes:
            for keepdim in (0, 1):
                case(name, lambda x: f(x, range(x.dim()) if axis is None else axis, bool(keepdim)), dict(x=x),
                     **options_of(axis, keepdim))


def reductions():
    torch.manual_seed(7)
    x = randn(3, 2, 4)
    ties = integers(3, 3, 2, 4).double()
    zeros = x * flags(3, 2, 4)
    zeros[0] = 0
    reduce_cases("amax", lambda x, dim, keepdim: x.amax(tuple(dim) if not isinstance(dim, int) else dim, keepdim), (x, ties))
    reduce_cases("amin", lambda x, dim, keepdim: x.amin(tuple(dim) if not isinstance(dim, int) else dim, keepdim), (ties,))
    reduce_cases("logsumexp", lambda x, dim, keepdim: x.logsumexp(tuple(dim) if not isinstance(dim, int) else dim, keepdim), (x * 100,))
    for axis in ([0, 1, 2], [1]):
        case("norm_zero", lambda x: torch.linalg.vector_norm(x, 0, axis), dict(x=zeros), axis=axis)
    for p in (0.5, 1.0, 1.5, 2.0, 3.0, inf, -inf, -1.0):
        for values in ((x,) if p == -1 else (ties - 1, zeros)):
            for axis, keepdim in ((None, 0), (0, 1), ((0, -1), 0)):
                case("norm", lambda x: torch.linalg.vector_norm(x, p, axis, bool(keepdim)), dict(x=values),
                     p=p, **options_of(axis, keepdim))
    for values in (ties, torch.tensor([[nan, 1.0, nan], [2.0, 2.0, -1.0], [-inf, -inf, inf]])):
        case("max_of_all", lambda x: x.max(), dict(x=values))
        case("min_of_all", lambda x: x.min(), dict(x=values))
    special = torch.tensor([[nan, 1.0, nan], [2.0, 2.0, -1.0], [-inf, -inf, inf], [0.0, 0.0, 0.0], [5.0, inf, inf],
                            [-inf, -inf, -inf]])
    for name in ("sum", "prod", "amax", "amin", "any", "all", "count_nonzero"):
        f = getattr(torch, name)
        exact(name + "_special", lambda x: f(x, dim=1), x=special)
        exact(name + "_across", lambda x: f(x, dim=0), x=special)
    for name in ("logsumexp", "mean", "var", "std"):
        case(name + "_special", lambda x: getattr(torch, name)(x, 1), dict(x=special))
    for name in ("argmax", "argmin"):
        for axis in (0, 1):
            case(name + "_special", lambda x: getattr(torch, name)(x, axis), dict(x=special), axis=axis)
        case(name + "_of_all", lambda x: getattr(torch, name)(x), dict(x=special))
        case(name + "_of_all", lambda x: getattr(torch, name)(x), dict(x=ties))
    for name in ("max", "min", "cummax", "cummin"):
        for values in (special, ties):
            for axis in (0, -1):
                case(name + "_values", lambda x: getattr(torch, name)(x, axis).values, dict(x=values), axis=axis)
                case(name + "_indices", lambda x: getattr(torch, name)(x, axis).indices, dict(x=values), axis=axis)
    constant = torch.full((2, 3), 2.0)
    for axis in (None, 1):
        case("std_of_constant", lambda x: x.std(axis), dict(x=constant), **options_of(axis, 0))
    for correction in (0, 1, 2):
        for axis in (None, 0, (0, 2)):
            case("var_mean_var", lambda x: torch.var_mean(x, axis, correction=correction)[0], dict(x=x),
                 correction=float(correction), **options_of(axis, 0))
            case("var_mean_mean", lambda x: torch.var_mean(x, axis, correction=correction, keepdim=True)[1], dict(x=x),
                 correction=float(correction), **options_of(axis, 1))
    for values in (x, zeros):
        case("prod", lambda x: x.prod(), dict(x=values))
        for axis in (0, -1):
            for keepdim in (0, 1):
                case("prod", lambda x: x.prod(axis, bool(keepdim)), dict(x=values), **options_of(axis, keepdim))
    case("prod", lambda x: x.prod(1).prod(1), dict(x=x), axis=[1, 2], keepdim=0)
    case("prod", lambda x: x.prod(0), dict(x=torch.tensor([[2.0, 0.0, 3.0, 0.0], [0.0, 0.0, 4.0, 5.0]])), axis=[0], keepdim=0)
    case("prod", lambda x: x.prod(-1), dict(x=randn(3, 0)), axis=[-1], keepdim=0)
    case("prod", lambda x: x.prod(), dict(x=randn()), keepdim=0)
    for values in (x, zeros, randn(5), randn(2, 0, 3), randn(), torch.tensor([2.0, 0.0, 3.0, 0.0, 4.0])):
        for axis in (0, -1):
            case("cumsum", lambda x: x.cumsum(axis), dict(x=values), axis=axis)
            case("cumprod", lambda x: x.cumprod(axis), dict(x=values), axis=axis)
    for values in (randn(3, 5), randn(4, 4), special):
        for axis in (0, 1):  # which of equal ones gets the gradient is not specified
            case("median_special" if values is special else "median_values", lambda x: x.median(axis).values, dict(x=values), axis=axis)
        case("median_of_all", lambda x: x.median(), dict(x=values))
    case("median_of_all", lambda x: x.median(), dict(x=ties))


def creation():
    for start, end, steps in ((0.0, 1.0, 5), (-2.0, 3.0, 8), (3.0, 1.0, 1), (1.0, 2.0, 0), (0.0, 0.1, 3), (5.0, 5.0, 2)):
        case("linspace", lambda: torch.linspace(start, end, steps), {}, start=start, end=end, steps=steps)
        case("logspace", lambda: torch.logspace(start, end, steps, base=2.0), {}, start=start, end=end, steps=steps)
    for start, end, step in ((0.0, 1.0, 0.1), (1.0, -1.0, -0.3), (0.0, 0.0, 1.0), (2.5, 7.0, 1.5)):
        case("arange", lambda: torch.arange(start, end, step), {}, start=start, end=end, step=step)
    for start, end, step in ((0, 10, 3), (5, -5, -2), (7, 7, 1), (-(2**62), 2**61 + 1, 2**60)):
        case("arange_int64", lambda: torch.arange(start, end, step), {}, start=start, end=end, step=step)
    for n, m in ((3, 3), (2, 4), (4, 2), (0, 2), (1, 1)):
        case("eye", lambda: torch.eye(n, m), {}, n=n, m=m)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # std of one element
    write("ops_elementwise.safetensors", (unary, binary, whole, reductions, creation))
