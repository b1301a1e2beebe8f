"""How the notebooks measure up to the budgets for lines, cells and pages.

    python .ci/budgets.py             what every page measures, and what is over its budget
    python .ci/budgets.py --shrink    write smaller exceptions where a page got better; never larger ones
    python .ci/budgets.py --summary   the whole project in a dozen lines
"""
import ast
import json
import re
import statistics
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXCEPTIONS = Path(__file__).with_name('exceptions.json')
OPERATIONS = (ast.Call, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Subscript, ast.IfExp, ast.Lambda, ast.comprehension)
DEFINITIONS = (ast.FunctionDef, ast.ClassDef)


def exported(source): return bool(re.search(r'^#\|\s*exporti?\b', source, re.M))
def is_test(source): return bool(re.match(r'#\|\s*test\b', source))
def without_flags(source): return '\n'.join(o for o in source.splitlines() if not o.startswith(('#|', '%', '!')))
def filled(source): return [o for o in without_flags(source).splitlines() if o.strip() not in ('', '@checked')]


@dataclass
class Page:
    "One notebook, measured."
    path:Path

    @cached_property
    def cells(self): return [(o['cell_type'], ''.join(o['source'])) for o in json.loads(self.path.read_text(encoding='utf-8'))['cells']]
    @cached_property
    def code(self): return [s for kind, s in self.cells if kind == 'code']
    @cached_property
    def library(self): return [s for s in self.code if exported(s)]
    @cached_property
    def trees(self): return [ast.parse(without_flags(s)) for s in self.library]
    @cached_property
    def functions(self): return [o for tree in self.trees for o in ast.walk(tree) if isinstance(o, ast.FunctionDef)]
    @cached_property
    def cell_sizes(self): return [len(filled(s)) for s, tree in zip(self.library, self.trees) if not only_imports(tree)]
    @property
    def name(self): return self.path.relative_to(ROOT/'nbs').as_posix() if self.path.is_relative_to(ROOT) else self.path.name
    @property
    def module(self): return next((m[1] for s in self.code if (m := re.search(r'^#\|\s*default_exp\s+(\w+)', s, re.M))), None)

    def long_code_lines(self): return sum(len(o) > 120 for s in self.code for o in s.splitlines())
    def long_prose_lines(self): return sum(len(o) > 120 for kind, s in self.cells if kind == 'markdown' for o in prose_lines(s))
    def cells_of_page(self): return len(self.cells)
    def longest_cell(self): return max(self.cell_sizes, default=0)
    def lines_of_module(self): return sum(len([o for o in without_flags(s).splitlines() if o.strip() != '@checked']) + 2 for s in self.library)
    def cells_with_two_definitions(self): return sum(sum(isinstance(o, DEFINITIONS) for o in t.body) > 1 for t in self.trees)
    def positional_arguments(self): return max((n_positional(o) for o in self.functions), default=0)
    def values_passed_by_position(self): return max((n_passed(o) for tree in self.trees for o in ast.walk(tree)), default=0)
    def refusals_by_hand(self): return 0 if self.module == 'checks' else sum(s.count('raise ValueError') for s in self.library)
    def asserts_with_and(self): return sum(isinstance(o, ast.Assert) and isinstance(o.test, ast.BoolOp) and isinstance(o.test.op, ast.And)
                                           for s in self.code if is_test(s) for o in ast.walk(ast.parse(without_flags(s))))
    def private_imports(self): return sum(bool(re.search(r'from (sae_l0_nb)?\.\w+ import [^\n]*\b_[a-z]', s)) for s in self.code)
    def statements_on_one_line(self): return sum(two_statements(s) for s in self.library)
    def names_not_shown(self): return len(self.public_names) - sum(self.shown)

    @cached_property
    def public_names(self): return [name for _, name in public_definitions(self.code)]
    @cached_property
    def shown(self):
        "For each public name whether a cell shows or tests it before the next one is defined."
        found = public_definitions(self.code)
        starts = sorted({i for i, _ in found})
        ends = dict(zip(starts, [*starts[1:], len(self.code)]))
        return [any(re.search(rf'\b{name}\b', s) for s in self.code[i + 1:ends[i]] if not exported(s)) for i, name in found]


def only_imports(tree): return all(isinstance(o, (ast.Import, ast.ImportFrom)) for o in tree.body)
def prose_lines(source): return [o for o in re.sub(r'```.*?```', '', source, flags=re.S).splitlines() if not o.startswith(('|', '$$', '[!['))]
def n_passed(node): return len(node.args) if isinstance(node, ast.Call) else 0


def n_positional(function):
    names = [o.arg for o in function.args.posonlyargs + function.args.args]
    return len(names) - (names[:1] in (['self'], ['cls']))


def two_statements(source):
    "Lines that join statements with a semicolon."
    lines = [o.lineno for o in ast.walk(ast.parse(without_flags(source))) if isinstance(o, ast.stmt)]
    return sum(bool(re.search(r';\s*\S', re.sub(r"(['\"]).*?\1|#.*", '', o))) for o in without_flags(source).splitlines()) if lines else 0


def public_definitions(code):
    "(number of its cell, name) of every public function, class and method that is exported."
    out = []
    for i, source in enumerate(code):
        if not exported(source): continue
        for node in ast.parse(without_flags(source)).body:
            if isinstance(node, DEFINITIONS) and not node.name.startswith('_'): out.append((i, node.name))
    return out


BUDGETS = dict( # most that a page may have of each
    long_code_lines=0, long_prose_lines=0, cells_of_page=80, longest_cell=40, lines_of_module=350, cells_with_two_definitions=0,
    positional_arguments=5, values_passed_by_position=5, refusals_by_hand=0, asserts_with_and=0, private_imports=0,
    statements_on_one_line=0, names_not_shown=0)


def pages(root=ROOT):
    "Every notebook, in the order of the files."
    found = sorted((root/'nbs').rglob('*.ipynb'))
    return [Page(o) for o in found if not any(part.startswith(('_', '.')) for part in o.relative_to(root/'nbs').parts)]


def over(found):
    "budget -> page -> value, for every page over a budget."
    values = {budget: {p.name: getattr(p, budget)() for p in found} for budget in BUDGETS}
    return {budget: {n: v for n, v in of.items() if v > BUDGETS[budget]} for budget, of in values.items()}


def faults(found, exceptions):
    "What the test refuses: a page over its budget, and an exception that could be smaller."
    now = over(found)
    for budget, limit in BUDGETS.items():
        known = exceptions.get(budget, {})
        for name in sorted({*now[budget], *known}):
            value, allowed = now[budget].get(name, limit), known.get(name, limit)
            if value > allowed: yield f'{name}: {budget} = {value}; allowed: up to {allowed}'
            if value < allowed: yield f'{name}: {budget} is {value} and its exception says {allowed}; run .ci/budgets.py --shrink'


def shrunk(found, exceptions):
    "The exceptions, made smaller where a page got better."
    now = over(found)
    smaller = {b: {n: min(v, now[b][n]) for n, v in of.items() if n in now[b]} for b, of in exceptions.items()}
    return {b: of for b, of in smaller.items() if of}


def sentences(page):
    "The sentences of a page's prose."
    text = '\n\n'.join(s for kind, s in page.cells if kind == 'markdown')
    text = re.sub(r'^[|#>].*$', '', re.sub(r'```.*?```', '', text, flags=re.S), flags=re.M)
    parts = re.split(r'(?<=[.!?:])\s+|\n\s*[-*]\s+|\n{2,}', re.sub(r'\]\([^)]*\)', ']', text))
    return [o.split() for o in parts if o.strip()]


def summary(found):
    "The measures of the whole project: (what, value)."
    rooms = [o for o in found if o.module]
    sizes = [n for o in rooms for n in o.cell_sizes]
    lines = [o for page in found for s in page.code for o in filled(s)]
    library = [o for page in rooms for s in page.library for o in filled(s)]
    operations = sum(isinstance(o, OPERATIONS) for page in rooms for tree in page.trees for o in ast.walk(tree))
    shown = [o for page in rooms for o in page.shown]
    index = [len(s) for page in found if page.name == 'index.ipynb' for s in sentences(page)]
    yield 'code lines over 120 characters, all pages', f'{sum(len(o) > 120 for o in lines)} of {len(lines)}'
    yield 'of them in the library', f'{sum(len(o) > 120 for o in library)} of {len(library)} ({sum(len(o) > 120 for o in library)/len(library):.1%})'
    yield 'operations a line of the library', f'{operations/len(library):.2f}'
    yield 'exported cell, lines: median / 90% / max', f'{statistics.median(sizes):g} / {statistics.quantiles(sizes, n=10)[-1]:.0f} / {max(sizes)}'
    yield 'public names shown or tested before the next', f'{sum(shown)} of {len(shown)} ({sum(shown)/len(shown):.0%})'
    yield 'longest list of positional arguments', max(o.positional_arguments() for o in rooms)
    yield 'most values passed by position in a call', max(o.values_passed_by_position() for o in rooms)
    yield 'rooms over 350 lines', f"{sum(o.lines_of_module() > 350 for o in rooms)} of {len(rooms)}, longest {max(o.lines_of_module() for o in rooms)}"
    yield 'cells of the longest page', max(o.cells_of_page() for o in found)
    yield 'refusals written by hand', sum(o.refusals_by_hand() for o in rooms)
    yield 'asserts of more than one idea', sum(o.asserts_with_and() for o in found)
    yield 'sentences over 35 words on the index', f'{sum(n > 35 for n in index)} of {len(index)}'


def main():
    found, exceptions = pages(), json.loads(EXCEPTIONS.read_text()) if EXCEPTIONS.exists() else {}
    if '--summary' in sys.argv: return print('\n'.join(f'{what}: {value}' for what, value in summary(found)))
    if '--shrink' in sys.argv:
        EXCEPTIONS.write_text(json.dumps(shrunk(found, exceptions), indent=1) + '\n')
    for budget, of in over(found).items(): print(f'{budget} (budget {BUDGETS[budget]}):', of)


if __name__ == '__main__': main()
