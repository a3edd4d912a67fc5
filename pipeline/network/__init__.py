"""The network: shapes by arithmetic, layers, starting TensorFlow, checkpoints, batches, outputs of layers."""
