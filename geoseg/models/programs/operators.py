"""The operators that a program from a file may run: arithmetic on tensors, and on the sizes of windows.

A list of what is known, since some of torch's operators read and write files (``from_file``) or memory beside their
tensors (``_unsafe_index``), and custom ones run the code of a library.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from geoseg.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

_ATEN = "torch.ops.aten."

_GROUPS = {
    "layers": (
        "conv1d conv2d conv3d convolution _convolution conv_transpose2d linear addmm mm bmm matmul baddbmm "
        "einsum batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training native_batch_norm layer_norm "
        "native_layer_norm group_norm native_group_norm instance_norm rms_norm embedding "
        "scaled_dot_product_attention prelu dropout dropout_ feature_dropout feature_dropout_ alpha_dropout max_pool2d "
        "max_pool2d_with_indices avg_pool2d adaptive_avg_pool2d _adaptive_avg_pool2d adaptive_max_pool2d "
        "max_pool1d avg_pool1d adaptive_avg_pool1d upsample_nearest2d upsample_bilinear2d upsample_bicubic2d "
        "_upsample_nearest_exact2d _upsample_bilinear2d_aa _upsample_bicubic2d_aa grid_sampler_2d "
        "grid_sampler pixel_shuffle pixel_unshuffle channel_shuffle im2col col2im pad constant_pad_nd "
        "reflection_pad2d replication_pad2d"
    ),
    "activations": (
        "relu relu_ relu6 relu6_ leaky_relu leaky_relu_ elu elu_ selu gelu gelu_ silu silu_ mish mish_ "
        "hardswish hardswish_ hardsigmoid hardsigmoid_ hardtanh hardtanh_ softplus softsign sigmoid sigmoid_ "
        "tanh tanh_ softmax _softmax log_softmax _log_softmax glu log_sigmoid celu threshold"
    ),
    "arithmetic": (
        "add add_ sub sub_ rsub mul mul_ div div_ pow pow_ neg neg_ abs abs_ sqrt sqrt_ rsqrt rsqrt_ exp exp_ "
        "log log_ log1p expm1 sin cos atan2 floor floor_ ceil round trunc sign reciprocal square erf maximum "
        "minimum clamp clamp_ clamp_min clamp_min_ clamp_max clamp_max_ addcmul addcdiv lerp fmod remainder "
        "floor_divide true_divide sum mean var std amax amin max min argmax argmin prod norm "
        "linalg_vector_norm var_mean std_mean cumsum logsumexp any all topk sort argsort"
    ),
    "comparison and choice": (
        "eq ne lt le gt ge logical_and logical_or logical_not logical_xor bitwise_and bitwise_or bitwise_xor "
        "bitwise_not __and__ __or__ __xor__ "
        "where masked_fill masked_fill_ isnan isinf isfinite nan_to_num"
    ),
    "shapes": (
        "view reshape _unsafe_view view_as reshape_as flatten unflatten permute transpose t numpy_T mT "
        "swapaxes movedim squeeze unsqueeze unsqueeze_ squeeze_ expand expand_as repeat repeat_interleave "
        "tile broadcast_to cat concat stack split split_with_sizes chunk unbind slice narrow select index "
        "index_select gather roll flip rot90 contiguous clone detach detach_ alias lift_fresh_copy lift_fresh "
        "to _to_copy type_as float half bfloat16 copy_ unfold meshgrid triu tril as_strided _unsafe_index"
    ),
    "new tensors": (
        "zeros ones full arange linspace zeros_like ones_like full_like new_zeros new_ones new_full scalar_tensor eye"
    ),
    "sizes": ("sym_size sym_numel sym_stride sym_is_contiguous"),
}

_ALLOWED = frozenset(" ".join(_GROUPS.values()).split())

# What means the same, and checks its arguments or takes any memory layout.
_INSTEAD = {"_unsafe_index": "index", "_unsafe_view": "reshape", "view": "reshape"}

# Checks of the exporter, which change nothing.
_SKIPPED = (
    "_assert_tensor_metadata", "_assert_scalar", "_assert_async", "sym_constrain_range", "sym_constrain_range_for_size",
    "_functional_assert_scalar", "_functional_assert_async",
)  # fmt: skip

_SIZES: dict[str, Callable[..., Any]] = {
    f"_operator.{name}": getattr(operator, name)
    for name in [
        "eq",
        "ne",
        "le",
        "ge",
        "lt",
        "gt",
        "neg",
        "pos",
        "mul",
        "add",
        "sub",
        "floordiv",
        "mod",
        "truediv",
        "and_",
        "or_",
    ]
}
_SIZES |= {
    "math.trunc": math.trunc,
    "math.floor": math.floor,
    "math.ceil": math.ceil,
    "torch.sym_int": int,
    "torch.sym_float": float,
    "torch.sym_max": max,
    "torch.sym_min": min,
    "torch.sym_not": operator.not_,
    "torch.sym_sqrt": math.sqrt,
    "torch._sym_sqrt": math.sqrt,
    "torch.sym_ite": lambda condition, one, other: one if condition else other,
}


def operator_of(target: str, label: str) -> Callable[..., Any] | None:
    """Return the operator that a program names; None for checks that change nothing.

    Raises
    ------
    ModelError
        If it is none that may run.
    """
    if target in _SIZES:
        return _SIZES[target]
    name, _, overload = target.removeprefix(_ATEN).partition(".")
    if target.startswith(_ATEN) and name in _SKIPPED:
        return None
    if not target.startswith(_ATEN) or name not in _ALLOWED:
        if target.startswith("torch.ops.") and not target.startswith((_ATEN, "torch.ops.higher_order.")):
            raise ModelError(
                f"{label}: custom operator {target[:80]!r} needs a library of its own, which could run any code; "
                "export the network with torch's own operators"
            )
        raise ModelError(
            f"{label}: its operator {target[:80]!r} is none of those that run from files (arithmetic on tensors, "
            "without branches and loops); add the model as ONNX"
        )
    import torch

    instead = name if overload == "dtype" else _INSTEAD.get(name, name)
    packet = getattr(torch.ops.aten, instead, None)
    overload = "default" if instead != name and instead == "reshape" else overload
    found: Callable[..., Any] | None = getattr(packet, overload, None)
    if found is None:
        raise ModelError(f"{label}: its operator {target[:80]!r} is not in this version of torch; update torch")
    return found


def check_mode(target: str, arguments: Mapping[str, Any], label: str) -> None:
    """Raise ModelError if an operator behaves as in training: by chance, or changed by the windows before."""
    name, _, overload = target.removeprefix(_ATEN).partition(".")
    if overload == "no_stats":  # each window by its own statistics, as instance normalisation has it
        return
    if arguments.get("train") is True or arguments.get("training") is True:
        raise ModelError(f"{label}: was exported in training mode ({name}); call eval() before torch.export.export")
    if arguments.get("dropout_p", 0) != 0:
        raise ModelError(f"{label}: was exported in training mode ({name}); call eval() before torch.export.export")
