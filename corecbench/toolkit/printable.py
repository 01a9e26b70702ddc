"""Text that may come from anywhere, such as a title, a name or an error of a plugin, on its way to a terminal."""


def printable(text: str, kept: str = "") -> str:
    r"""Return a text with a blank for each character that a terminal would obey and not show.

    Among these are escape sequences, line ends and the marks that turn the direction of writing.

    Args:
        text: the text.
        kept: characters that stay, such as line ends.

    >>> printable("a\nb\x1b[31mc\u202e"), printable("a\tb\n", kept="\n\t")
    ('a b [31mc ', 'a\tb\n')
    """
    if text.isprintable():
        return text
    obeyed = {ord(each): " " for each in set(text) if not (each.isprintable() or each in kept)}
    return text.translate(obeyed)


def one_line(text: str) -> str:
    r"""Return text that may come from anywhere in one line, without characters that control a terminal.

    >>> one_line("a\nb \x1b[31mc\u202e")
    'a b [31mc'
    """
    return " ".join(printable(text).split())
