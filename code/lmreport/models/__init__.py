"""What learns from the texts and how it is asked: tokenizer, linear model, LSTM, Transformer, fast
ways.
"""
