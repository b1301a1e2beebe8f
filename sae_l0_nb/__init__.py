"""What L0 is right for this data, and is this SAE's L0 wrong?

The names that people use, loaded when they are asked for.
"""
__version__ = "0.1.0"

_HOMES = dict(
    ToyModel='toy', Bank='sae', BatchTopK='step', TopK='step', JumpReLU='step', c_dec='metrics', mcc='metrics',
    evaluate='metrics',
    as_source='sources', open_source='sources', open_stored='tables', GaussianSource='sources', train_bank='train',
    judge='elbow',
    save_sae='saving', load_sae='saving', L0Estimate='estimate', load_estimate='results', calibrate_l0='calibrate', quote_l0='quote',
    harvest='harvest_run', plan_harvest='harvest_run', ActivationStore='store', plan_sweep='sweep', probe_sae='probing',
    read_sae='formats', measure='measuring', suspects='measuring', audit_sae='audit',
    show_latents='top_contexts',
)
__all__ = ['__version__', *_HOMES]


def __getattr__(name):
    if name not in _HOMES: raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__(): return sorted({*globals(), *_HOMES})
