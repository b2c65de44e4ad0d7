"""`everbloom demo`: train real models on data that ships with scikit-learn, so that there is something true to see."""
