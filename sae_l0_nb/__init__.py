"""What L0 is right for this data, and is this SAE's L0 wrong?

The names that people use, loaded when they are asked for.
"""
__version__ = "0.1.0"

TYPE_CHECKING = False # type checkers take it for True; they do not run `__getattr__`
if TYPE_CHECKING:
    from .audit import audit_sae as audit_sae
    from .calibrate import calibrate_l0 as calibrate_l0
    from .elbow import judge as judge
    from .estimate import L0Estimate as L0Estimate
    from .formats import read_sae as read_sae
    from .harvest_run import harvest as harvest, plan_harvest as plan_harvest
    from .language_worlds import synthetic as synthetic
    from .measuring import measure as measure, suspects as suspects
    from .metrics import c_dec as c_dec, evaluate as evaluate, mcc as mcc
    from .probing import probe_sae as probe_sae
    from .quote import quote_l0 as quote_l0
    from .results import load_estimate as load_estimate
    from .sae import Bank as Bank
    from .saving import load_sae as load_sae, save_sae as save_sae
    from .sources import GaussianSource as GaussianSource, as_source as as_source, open_source as open_source
    from .step import BatchTopK as BatchTopK, JumpReLU as JumpReLU, TopK as TopK
    from .store import ActivationStore as ActivationStore
    from .sweep import plan_sweep as plan_sweep
    from .tables import open_stored as open_stored
    from .top_contexts import show_latents as show_latents
    from .toy import ToyModel as ToyModel
    from .train import train_bank as train_bank

_HOMES = dict(
    ToyModel='toy', Bank='sae', BatchTopK='step', TopK='step', JumpReLU='step', c_dec='metrics', mcc='metrics',
    evaluate='metrics',
    as_source='sources', open_source='sources', open_stored='tables', GaussianSource='sources', train_bank='train',
    judge='elbow',
    save_sae='saving', load_sae='saving', L0Estimate='estimate', load_estimate='results', calibrate_l0='calibrate',
    quote_l0='quote',
    harvest='harvest_run', plan_harvest='harvest_run', ActivationStore='store', plan_sweep='sweep', probe_sae='probing',
    read_sae='formats', measure='measuring', suspects='measuring', audit_sae='audit',
    show_latents='top_contexts', synthetic='language_worlds',
)
__all__ = ['__version__', *_HOMES]


def __getattr__(name):
    if name not in _HOMES: raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__(): return sorted({*globals(), *_HOMES})
