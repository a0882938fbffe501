"""Stochastic grammar of hairpins, inside algorithm and its adjoint (the outside algorithm).

Every nonterminal A rewrites as  A -> B C  or  A -> letter ; one softmax per nonterminal over all of its rules.
inside[i, j] is the vector of probabilities that each nonterminal makes the letters i..j-1.
"""
import numpy as np

LETTERS = "acgu"


class Grammar:
    def __init__(self, symbols, letters, seed):
        rng = np.random.RandomState(seed)
        self.N, self.L = symbols, letters
        self.rules = rng.randn(symbols, symbols * symbols + letters)
        self.root = rng.randn(symbols)

    def probabilities(self):
        e = np.exp(self.rules - self.rules.max(axis=1, keepdims=True))
        q = e / e.sum(axis=1, keepdims=True)
        r = np.exp(self.root - self.root.max())
        n = self.N ** 2
        return q[:, :n].reshape(self.N, self.N, self.N), q[:, n:], r / r.sum()

    def inside(self, seq, binary, lexical):
        T = len(seq)
        chart = np.zeros((T + 1, T + 1, self.N))
        for i, letter in enumerate(seq):
            chart[i, i + 1] = lexical[:, letter]
        for width in range(2, T + 1):
            for i in range(T - width + 1):
                j = i + width
                pairs = sum(np.outer(chart[i, k], chart[k, j]) for k in range(i + 1, j))
                chart[i, j] = np.tensordot(binary, pairs, 2)
        return chart

    def outside(self, seq, binary, lexical, chart, top, d_binary, d_lexical):
        """top: derivative with respect to the cell of the whole sequence; adds to d_binary and d_lexical"""
        T = len(seq)
        bar = np.zeros_like(chart)
        bar[0, T] = top
        for width in range(T, 1, -1):
            for i in range(T - width + 1):
                j = i + width
                above = np.tensordot(bar[i, j], binary, 1)
                for k in range(i + 1, j):
                    left, right = chart[i, k], chart[k, j]
                    d_binary += bar[i, j][:, None, None] * np.outer(left, right)
                    bar[i, k] += above @ right
                    bar[k, j] += left @ above
        for i, letter in enumerate(seq):
            d_lexical[:, letter] += bar[i, i + 1]


def bits(grammar, sequences):
    """mean over the sequences of bits per letter"""
    binary, lexical, root = grammar.probabilities()
    total = 0.0
    for seq in sequences:
        chart = grammar.inside(seq, binary, lexical)
        total -= np.log2(root @ chart[0, len(seq)]) / len(seq)
    return total / len(sequences)


def bits_grad(grammar, sequences):
    binary, lexical, root = grammar.probabilities()
    d_binary, d_lexical, d_root = np.zeros_like(binary), np.zeros_like(lexical), np.zeros_like(root)
    for seq in sequences:
        chart = grammar.inside(seq, binary, lexical)
        whole = chart[0, len(seq)]
        d_p = -1.0 / (np.log(2) * (root @ whole) * len(seq) * len(sequences))
        d_root += d_p * whole
        grammar.outside(seq, binary, lexical, chart, d_p * root, d_binary, d_lexical)
    q = np.concatenate([binary.reshape(grammar.N, -1), lexical], axis=1)
    dq = np.concatenate([d_binary.reshape(grammar.N, -1), d_lexical], axis=1)
    d_rules = q * (dq - np.sum(q * dq, axis=1, keepdims=True))
    return d_rules, root * (d_root - root @ d_root)


def read(text):
    return [LETTERS.index(c) for c in text]


grammar = Grammar(3, len(LETTERS), seed=971)
sequences = [read("gcaugc"), read("auau"), read("ggacc")]
