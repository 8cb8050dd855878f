module lockstep/rollout-crds

go 1.23

require (
	github.com/argoproj/argo-rollouts v1.8.4
	github.com/fluxcd/flagger v1.36.1
)
