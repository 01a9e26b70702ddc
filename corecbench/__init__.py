"""Does training a recommender together with an LLM help either of them?"""

__version__ = "0.1.0"
